"""SG312 empty-output: nothing is left of an axis."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG312",
    name="empty-output",
    severity="error",
    summary="nothing is left of an axis",
    explanation="""\
Sizes are at least 1. A slice whose bounds lie outside the axis, a scale factor that is too small or
a transposed convolution with too much padding leaves nothing. (PyTorch accepts some empty tensors;
no network means them.)
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  part: {op: slice, start: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  part: {op: slice, start: 2}
""",
)
