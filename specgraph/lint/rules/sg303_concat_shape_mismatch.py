"""SG303 concat-shape-mismatch: inputs of concat differ in an axis that is not joined."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG303",
    name="concat-shape-mismatch",
    severity="error",
    summary="inputs of concat differ in an axis that is not joined",
    explanation="""\
Joining along the channels needs equal heights and widths. In an Inception module every branch keeps
its size: a kernel of 3 takes a padding of 1, a kernel of 5 one of 2, and its pooling a stride of 1.
The branch that stands against all others is the one that is blamed.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  b: {op: conv, from: image, out_channels: 8, kernel_size: 3}
  join: {op: concat, from: [a, b]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  b: {op: conv, from: image, out_channels: 8, kernel_size: 3, padding: 1}
  join: {op: concat, from: [a, b]}
""",
)
