"""SG210 missing-argument: a required argument is missing."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG210",
    name="missing-argument",
    severity="error",
    summary="a required argument is missing",
    explanation="""\
An op's required arguments have no default worth guessing (how many channels?); a block's
argument without a default is required too.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3}
""",
)
