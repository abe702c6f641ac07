"""SG409 share-mismatch: nodes that cannot share parameters."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG409",
    name="share-mismatch",
    severity="error",
    summary="nodes that cannot share parameters",
    explanation="""\
`share` uses another node's parameters. That works only for the same op with parameters of the
same shape.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, out_channels: 8, kernel_size: 3}
  b: {op: conv, out_channels: 8, kernel_size: 3, share: a}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, out_channels: 3, kernel_size: 3}
  b: {op: conv, out_channels: 3, kernel_size: 3, share: a}
""",
)
