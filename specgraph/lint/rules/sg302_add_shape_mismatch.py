"""SG302 add-shape-mismatch: inputs of add, sub or mul differ in size."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG302",
    name="add-shape-mismatch",
    severity="error",
    summary="inputs of add, sub or mul differ in size",
    explanation="""\
Values are joined one by one, so all sizes must agree; a size of 1 is repeated, as in PyTorch. In a
residual network the shortcut must change its channels and its size together with the branch: by a
1x1 convolution with the same stride, or by subsampling and a pad of channels.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  b: {op: conv, out_channels: 32, kernel_size: 3, padding: 1}
  join: {op: add, from: [a, b]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  b: {op: conv, out_channels: 32, kernel_size: 3, padding: 1}
  shortcut: {op: conv, from: a, out_channels: 32, kernel_size: 1}
  join: {op: add, from: [b, shortcut]}
""",
)
