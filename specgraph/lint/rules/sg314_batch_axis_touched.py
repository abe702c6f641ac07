"""SG314 batch-axis-touched: an op reaches over the batch axis."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG314",
    name="batch-axis-touched",
    severity="error",
    summary="an op reaches over the batch axis",
    explanation="""\
Axis numbers count as PyTorch does, with the batch as axis 0. Samples are independent: a softmax, a
mean or a concat over the batch, or moving it, would make a prediction depend on what else is in the
batch.
""",
    bad="""\
specgraph: 1
inputs: {x: [10]}
nodes:
  softmax: {op: softmax, dim: 0}
""",
    good="""\
specgraph: 1
inputs: {x: [10]}
nodes:
  softmax: {op: softmax, dim: 1}
""",
)
