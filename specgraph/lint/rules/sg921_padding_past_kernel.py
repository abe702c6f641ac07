"""SG921 padding-past-kernel: windows that lie in the padding alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.lint.context import Lint
    from specgraph.ops.sliding import SlidingWindow

RULE = Rule(
    code="SG921",
    name="padding-past-kernel",
    severity="warning",
    summary="windows that lie in the padding alone",
    explanation="""\
A padding as wide as the kernel begins and ends with windows that hold no value of the input: a border of
the bias alone is put around the map. Usually the padding of a 3x3 convolution was left on a 1x1, or a
kernel was made smaller. `kernel_size // 2` keeps the size of a map at stride 1.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 1, padding: 1}
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 1}
  relu: relu
""",
)


def check(lint: Lint) -> None:
    from specgraph.ops.sliding import window_of

    for definition, nodes in lint.definitions(*lint.ops_where(lambda behaviour: behaviour.convolves)):
        node = nodes[0]
        window = window_of(node)
        if window.padding_mode == "zeros" and all(_too_wide(window_of(other)) for other in nodes):
            shown = "x".join(map(str, window.kernel))
            widest = max(side for pair in window.padding for side in pair)
            fitting = max(window.kernel) // 2
            lint.report(
                "padding-past-kernel",
                f"node `{node.path}`: the first windows of its {shown} kernel hold nothing but padding, {widest} wide",
                lint.names(node, "padding") if "padding" in definition.arguments else node,
                node=node.path,
                help=f"write padding: {fitting}" if fitting else "remove the padding",
            )


def _too_wide(window: SlidingWindow) -> bool:
    """Whether a window along some axis lies in the padding alone."""
    return any(max(pair) >= window.span(axis) for axis, pair in enumerate(window.padding))
