"""SG304 unflattened-linear-input: a linear layer reads a feature map."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG304",
    name="unflattened-linear-input",
    severity="error",
    summary="a linear layer reads a feature map",
    explanation="""\
A linear layer acts on the last axis. On a feature map (C, H, W) that is the width, and PyTorch
either fails with two numbers that name no layer or, where the width happens to fit, computes
something nobody wants. A flatten in front makes one axis of all. Maps with channels last, moved by
permute, and tokens are fine.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  fc: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
""",
)
