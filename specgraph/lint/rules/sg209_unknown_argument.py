"""SG209 unknown-argument: an argument that the op or block does not take."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG209",
    name="unknown-argument",
    severity="error",
    summary="an argument that the op or block does not take",
    explanation="""\
Arguments carry PyTorch's names. A misspelt one would otherwise leave the default in force
without a word.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, paddding: 1}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
""",
)
