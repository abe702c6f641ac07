"""SG311 wrong-number-of-axes: an argument has values for another number of axes."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG311",
    name="wrong-number-of-axes",
    severity="error",
    summary="an argument has values for another number of axes",
    explanation="""\
A list for `kernel_size`, `stride` and their like has one value for each spatial axis of the input;
a single number stands for all of them. `permute` lists every axis, the batch axis 0 first.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: [3, 3, 3]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: [3, 5]}
""",
)
