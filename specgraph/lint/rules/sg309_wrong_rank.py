"""SG309 wrong-rank: an op cannot take an input with so many axes."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG309",
    name="wrong-rank",
    severity="error",
    summary="an op cannot take an input with so many axes",
    explanation="""\
Convolutions and poolings need channels and one to three spatial axes; behind a flatten there are
none left. (PyTorch would take the batch axis of a vector for its channels.)
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  conv: {op: conv, out_channels: 8, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3}
  flatten: flatten
""",
)
