"""SG507 harmful-augmentation: an augmentation makes images that do not occur."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG507",
    name="harmful-augmentation",
    severity="warning",
    summary="an augmentation makes images that do not occur",
    explanation="""\
A mirrored 2 is no 2, a 6 upside down is a 9, and photographs of cars on their roofs are rare. Such images
teach the network what it will never be asked, or a wrong label.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, augment: [horizontal_flip]}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, augment: [{shift: {pixels: 2}}]}
""",
)
