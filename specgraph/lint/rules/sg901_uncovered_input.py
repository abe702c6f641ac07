"""SG901 uncovered-input: rows or columns of real input that no window covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.model import Node
    from specgraph.lint.context import Lint

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
    for node in lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.reach == "window")):
        arguments = node.arguments
        if max(arguments["stride"]) > 1 and max(arguments["kernel_size"]) > 1:
            axes = [axis for axis in range(len(arguments["stride"])) if lost(node, axis)]
            if axes:
                _report(lint, node, axes)


def lost(node: Node, axis: int) -> int:
    """Positions along a spatial axis that no window covers; 0 where it does not matter."""
    arguments = node.arguments
    kernel, stride = arguments["kernel_size"][axis], arguments["stride"][axis]
    size, out = node.input_types[0].dims[axis + 1], node.output.dims[axis + 1]
    if kernel == 1 or stride == 1 or not isinstance(size, int) or not isinstance(out, int):
        return 0
    dilation = arguments["dilation"][axis] if "dilation" in arguments else 1
    before = arguments["padding"][axis][0]
    reach = dilation * (kernel - 1) + 1
    behind: int = max(0, size - ((out - 1) * stride + reach - before))
    between = skipped(node, axis)
    return behind + between if between or stride > 2 or behind >= NEGLIGIBLE * size else 0


def skipped(node: Node, axis: int) -> int:
    """Positions along a spatial axis that lie between two windows, as a stride is larger than a window."""
    arguments, out = node.arguments, node.output.dims[axis + 1]
    dilation = arguments["dilation"][axis] if "dilation" in arguments else 1
    reach = dilation * (arguments["kernel_size"][axis] - 1) + 1
    return max(0, arguments["stride"][axis] - reach) * (out - 1) if isinstance(out, int) else 0


def _report(lint: Lint, node: Node, axes: list[int]) -> None:
    kind = node.input_types[0]
    first = axes[0]
    count, size = lost(node, first), kind.dims[first + 1]
    named = [WORDS.get(kind.axes[axis + 1], "position") for axis in axes if lost(node, axis) == count]
    what = " and ".join(dict.fromkeys(word + "s" for word in named))
    verb = "is" if count == 1 else "are"
    lint.report(
        "uncovered-input",
        f"node `{node.path}`: {count} of {size} {what} of `{node.inputs[0]}` {verb} covered by no window",
        node,
        notes=(_arithmetic(node, first),),
        help=_cure(lint, node, first, count),
        severity=None if any(skipped(node, axis) for axis in axes) else "info",
    )


def _arithmetic(node: Node, axis: int) -> str:
    arguments = node.arguments
    size, out = node.input_types[0].dims[axis + 1], node.output.dims[axis + 1]
    kernel, stride, (before, after) = (arguments[name][axis] for name in ("kernel_size", "stride", "padding"))
    reach = (arguments["dilation"][axis] if "dilation" in arguments else 1) * (kernel - 1) + 1
    assert isinstance(size, int)
    if stride > reach:
        return f"windows of {reach} start {stride} apart, so {stride - reach} between two are skipped"
    exact = (size + before + after - reach) / stride + 1
    padding = f"2*{before}" if before == after else f"{before} + {after}"
    return f"({size} + {padding} - {reach}) / {stride} + 1 = {exact:g}, of which {out} windows remain"


def _cure(lint: Lint, node: Node, axis: int, count: int) -> str:
    arguments = node.arguments
    kernel, stride = arguments["kernel_size"][axis], arguments["stride"][axis]
    size = node.input_types[0].dims[axis + 1]
    assert isinstance(size, int)
    reach = (arguments["dilation"][axis] if "dilation" in arguments else 1) * (kernel - 1) + 1
    if stride > reach:
        return f"write stride: {reach} or less, or a larger kernel"
    cures = []
    if node.inputs[0] in lint.graph.inputs:
        cures.append(f"an input of {size + stride - count} or {size - count} leaves nothing over")
    if "ceil_mode" in arguments and not arguments["ceil_mode"]:
        cures.append("ceil_mode: true covers them")
    before, after = arguments["padding"][axis]
    if before == after:
        for padding in range(before + 1, kernel // 2 + 1):
            if (size + 2 * padding - reach) % stride <= padding:
                cures.append(f"padding: {padding} covers them")
                break
    return "; ".join(cures) or f"bring a size that leaves nothing over, such as {size + stride - count}"
