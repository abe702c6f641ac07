"""SG901 uncovered-input: rows or columns of real input that no window covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.ops.behaviour import SLIDING

if TYPE_CHECKING:
    from specgraph.graph.model import Node
    from specgraph.lint.context import Lint
    from specgraph.ops.sliding import SlidingWindow

RULE = Rule(
    code="SG901",
    name="uncovered-input",
    severity="warning",
    summary="rows or columns of real input that no window covers",
    explanation="""\
Where a size does not come out even, the last window ends before the last rows and columns, and what
they hold never reaches the network: (224 - 11) / 4 + 1 = 54.25 leaves a row over, 227 divides. Padding,
`ceil_mode` or another input size cures it. Such a remainder at the edge is information; rows between two
windows, which a stride larger than the kernel skips all over the image, are a warning. A single row that a
stride of 2 leaves over is not reported where it is less than 2 % of the input, nor are the pixels that a 1x1
kernel with a stride skips by design.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 224, 224]}
nodes:
  conv: {op: conv, out_channels: 96, kernel_size: 11, stride: 4}
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 227, 227]}
nodes:
  conv: {op: conv, out_channels: 96, kernel_size: 11, stride: 4}
  relu: relu
""",
)
WORDS = {"H": "row", "W": "column"}
NEGLIGIBLE = 0.02


def check(lint: Lint) -> None:
    from specgraph.ops.sliding import window_of

    for node in lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.reach == SLIDING)):
        window = window_of(node)
        if max(window.stride) > 1 and max(window.kernel) > 1:
            axes = [axis for axis in range(len(window.stride)) if lost(node, window, axis)]
            open_ones = [axis for axis in range(len(window.stride)) if gap(node, window, axis)]
            if axes:
                _report(lint, node, window, axes)
            elif open_ones:
                _report_gaps(lint, node, window, open_ones)


def lost(node: Node, window: SlidingWindow, axis: int) -> int:
    """Positions along a spatial axis that no window covers; 0 where it does not matter."""
    kernel, stride = window.kernel[axis], window.stride[axis]
    size, out = node.input_types[0].dims[axis + 1], node.output.dims[axis + 1]
    if kernel == 1 or stride == 1 or not isinstance(size, int) or not isinstance(out, int):
        return 0
    before, _ = window.padding[axis]
    behind: int = max(0, size - ((out - 1) * stride + window.span(axis) - before))
    between = skipped(node, window, axis)
    return behind + between if between or stride > 2 or behind >= NEGLIGIBLE * size else 0


def skipped(node: Node, window: SlidingWindow, axis: int) -> int:
    """Positions along a spatial axis that lie between two windows, as a stride is larger than a window."""
    out = node.output.dims[axis + 1]
    return max(0, window.stride[axis] - window.span(axis)) * (out - 1) if isinstance(out, int) else 0


def gap(node: Node, window: SlidingWindow, axis: int) -> int:
    """Positions between two windows along an axis of a free size; 0 for a kernel of 1."""
    is_free = not isinstance(node.input_types[0].dims[axis + 1], int)
    return max(0, window.stride[axis] - window.span(axis)) if is_free and window.kernel[axis] > 1 else 0


def _report_gaps(lint: Lint, node: Node, window: SlidingWindow, axes: list[int]) -> None:
    """Report what is skipped of a map whose size is free."""
    first, kind = axes[0], node.input_types[0]
    stride, reach = window.stride[first], window.span(first)
    words = [WORDS.get(kind.axes[axis + 1], "position") + "s" for axis in axes if gap(node, window, axis)]
    verb = "is" if stride - reach == 1 else "are"
    lint.report(
        "uncovered-input",
        f"node `{node.path}`: {stride - reach} of every {stride} {' and '.join(dict.fromkeys(words))} of "
        f"`{node.inputs[0]}` {verb} covered by no window",
        node,
        notes=(_between(stride, reach),),
        help=f"write stride: {reach} or less, or a larger kernel",
    )


def _between(stride: int, reach: int) -> str:
    return f"windows of {reach} start {stride} apart, so {stride - reach} between two are skipped"


def _report(lint: Lint, node: Node, window: SlidingWindow, axes: list[int]) -> None:
    kind = node.input_types[0]
    first = axes[0]
    count, size = lost(node, window, first), kind.dims[first + 1]
    named = [WORDS.get(kind.axes[axis + 1], "position") for axis in axes if lost(node, window, axis) == count]
    what = " and ".join(dict.fromkeys(word + "s" for word in named))
    verb = "is" if count == 1 else "are"
    lint.report(
        "uncovered-input",
        f"node `{node.path}`: {count} of {size} {what} of `{node.inputs[0]}` {verb} covered by no window",
        node,
        notes=(_arithmetic(node, window, first),),
        help=_cure(lint, node, window, first, count),
        severity=None if any(skipped(node, window, axis) for axis in axes) else "info",
    )


def _arithmetic(node: Node, window: SlidingWindow, axis: int) -> str:
    size, out = node.input_types[0].dims[axis + 1], node.output.dims[axis + 1]
    stride, (before, after), reach = window.stride[axis], window.padding[axis], window.span(axis)
    assert isinstance(size, int)
    if stride > reach:
        return _between(stride, reach)
    exact = (size + before + after - reach) / stride + 1
    padding = f"2*{before}" if before == after else f"{before} + {after}"
    return f"({size} + {padding} - {reach}) / {stride} + 1 = {exact:g}, of which {out} windows remain"


def _cure(lint: Lint, node: Node, window: SlidingWindow, axis: int, count: int) -> str:
    arguments, stride, reach = node.arguments, window.stride[axis], window.span(axis)
    size = node.input_types[0].dims[axis + 1]
    assert isinstance(size, int)
    if stride > reach:
        return f"write stride: {reach} or less, or a larger kernel"
    cures = []
    if node.inputs[0] in lint.graph.inputs:
        cures.append(f"an input of {size + stride - count} or {size - count} leaves nothing over")
    if "ceil_mode" in arguments and not arguments["ceil_mode"]:
        cures.append("ceil_mode: true covers them")
    before, after = window.padding[axis]
    if "padding" in arguments and before == after:
        for padding in range(before + 1, window.kernel[axis] // 2 + 1):
            if (size + 2 * padding - reach) % stride <= padding:
                cures.append(f"padding: {padding} covers them")
                break
    return "; ".join(cures) or f"bring a size that leaves nothing over, such as {size + stride - count}"
