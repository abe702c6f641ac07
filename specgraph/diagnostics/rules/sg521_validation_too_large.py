"""SG521 validation-too-large: more images are held out than there are."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG521",
    name="validation-too-large",
    severity="error",
    summary="more images are held out than there are",
    explanation="""\
`validation` as an integer is a number of training images.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 8, 8]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: digits, validation: 5000}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 8, 8]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: digits, validation: 200}
""",
)
