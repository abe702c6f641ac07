"""SG508 impossible-augmentation: an augmentation can remove the whole image."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG508",
    name="impossible-augmentation",
    severity="error",
    summary="an augmentation can remove the whole image",
    explanation="""\
A crop, a shift or a cutout as large as the image leaves nothing of it to learn from.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, augment: [{cutout: {size: 28}}]}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, augment: [{cutout: {size: 8}}]}
""",
)
