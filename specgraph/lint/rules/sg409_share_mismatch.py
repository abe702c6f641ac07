"""SG409 share-mismatch: nodes that cannot share parameters."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG409",
    name="share-mismatch",
    severity="error",
    summary="nodes that cannot share parameters",
    explanation="""\
`share` calls another node's module again. That works only for the same op with the same arguments:
one convolution cannot have two strides.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, out_channels: 8, kernel_size: 3}
  relu: relu
  b: {op: conv, out_channels: 8, kernel_size: 3, share: a}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, out_channels: 3, kernel_size: 3}
  relu: relu
  b: {op: conv, out_channels: 3, kernel_size: 3, share: a}
""",
)
