"""SG501 too-few-classes: the head has fewer scores than the data set has classes."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG501",
    name="too-few-classes",
    severity="error",
    summary="the head has fewer scores than the data set has classes",
    explanation="""\
Labels count from 0; one beyond the last score has nothing to be compared with, and training would stop
with an index out of range.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 5}
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
