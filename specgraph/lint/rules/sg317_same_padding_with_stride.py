"""SG317 same-padding-with-stride: padding: same together with a stride."""

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG317",
    name="same-padding-with-stride",
    severity="error",
    summary="padding: same together with a stride",
    explanation="""\
`padding: same` promises that the size stays, which a stride above 1 cannot keep. Frameworks that
allow both disagree on what comes out. Say the padding as a number; half the kernel gives the usual
halving at stride 2.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: same}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
""",
    nearest_value=True,
)


def _stride(stride: tuple[int, ...], half: int) -> Words:
    shown = stride[0] if len(set(stride)) == 1 else list(stride)
    return Words(
        f"padding: same keeps the size, but stride is {shown}",
        help=f"write padding: {half} (half the kernel), or stride: 1",
    )


MESSAGES = {"stride": _stride}
