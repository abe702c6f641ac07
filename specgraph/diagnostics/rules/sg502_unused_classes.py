"""SG502 unused-classes: the head has more scores than the data set has classes."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG502",
    name="unused-classes",
    severity="warning",
    summary="the head has more scores than the data set has classes",
    explanation="""\
It trains, and the surplus scores learn never to win; but usually the number of classes was left as it was
for another data set.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 1000}
recipes:
  default:
    data: {name: mnist}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
""",
)
