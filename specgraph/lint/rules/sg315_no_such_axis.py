"""SG315 no-such-axis: an axis number lies outside the input."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG315",
    name="no-such-axis",
    severity="error",
    summary="an axis number lies outside the input",
    explanation="""\
Axis numbers count as PyTorch does: 0 is the batch, 1 the channels, and negative numbers count from
the end.
""",
    bad="""\
specgraph: 1
inputs: {x: [10]}
nodes:
  softmax: {op: softmax, dim: 2}
""",
    good="""\
specgraph: 1
inputs: {x: [10]}
nodes:
  softmax: {op: softmax, dim: -1}
""",
)
