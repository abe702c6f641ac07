"""Windows of a map as columns, and back: `unfold`, `fold`."""

from __future__ import annotations

from math import prod

from specgraph.graph.dims import Dim, product
from specgraph.graph.model import Node
from specgraph.graph.types import UNKNOWN_AXIS, TensorType
from specgraph.kinds.kinds import Int, PerAxis
from specgraph.ops.behaviour import NO_TRAFFIC, Behaviour, Traffic
from specgraph.ops.convolution import kernel_too_large
from specgraph.ops.definition import Argument, Call, Op, define
from specgraph.ops.sliding import read_window

WINDOW = ("kernel_size", "dilation", "padding", "stride")


def infer_unfold(call: Call) -> TensorType:
    """(C, H, W) to (C * values of a window, windows). Raises `Fault` where no window fits."""
    dims = call.input.dims
    if len(dims) != 3:
        raise call.fault("wrong-rank", "no image", {"rank": len(dims)}, inputs=(0,))
    call.each_per_axis(2, *WINDOW)
    counts: list[Dim] = []
    for size, (room, step) in zip(dims[1:], _rooms(call), strict=True):
        if not call.at_least(size + room, 0):
            raise kernel_too_large(call, "kernel_size")
        counts.append((size + room) // step + 1)
    columns = (dims[0] * prod(call.arguments["kernel_size"]), product(tuple(counts)))
    return TensorType(columns, ("C", UNKNOWN_AXIS), call.input.dtype, call.input.batched)


def infer_fold(call: Call) -> TensorType:
    """(C * values of a window, windows) to (C, *output_size). Raises `Fault` unless there is a column for each
    window."""
    kind, rank = call.input, call.input.rank
    if rank != 2:
        raise call.fault("wrong-rank", "no columns", {"rank": rank}, inputs=(0,))
    call.each_per_axis(2, "output_size", *WINDOW)
    sizes, kernel = call.arguments["output_size"], call.arguments["kernel_size"]
    rows, columns = kind.dims
    each = prod(kernel)
    if not call.equal(rows // each * each, rows):
        facts = {"channels": rows, "kernel": kernel, "each": each}
        raise call.fault("indivisible-groups", "folded", facts, argument="kernel_size")
    wanted = prod(max((size + room) // step + 1, 0) for size, (room, step) in zip(sizes, _rooms(call), strict=True))
    if not wanted or not call.equal(columns, wanted):
        facts = {"columns": columns, "wanted": wanted, "output_size": sizes, "kernel": kernel}
        raise call.fault("window-mismatch", "folded", facts, argument="output_size")
    return TensorType((rows // each, *sizes), ("C", "H", "W"), kind.dtype, kind.batched)


def _rooms(call: Call) -> list[tuple[int, int]]:
    """For each axis how much further than its size the last window may start, and the step."""
    window = read_window(call.arguments, 2)
    pairs = enumerate(zip(window.padding, window.stride, strict=True))
    return [(2 * before - window.span(axis), step) for axis, ((before, _), step) in pairs]


def unfold_traffic(node: Node) -> Traffic:
    """Backwards, the gradient in order, before there is that of the map."""
    before, after = product(node.input_types[0].dims), product(node.output.dims)
    share = before / after if isinstance(before, int) and isinstance(after, int) else 0.0
    return Traffic(backward=max(1 - share, 0.0))


ARGUMENTS = (
    Argument("kernel_size", PerAxis(Int(1)), doc="size of the window"),
    Argument("dilation", PerAxis(Int(1)), 1, doc="distance between the window's points"),
    Argument("padding", PerAxis(Int(0)), 0, doc="zeros on both sides of the map"),
    Argument("stride", PerAxis(Int(1)), 1, doc="step of the window"),
)
OPS: tuple[Op, ...] = (
    define(
        "unfold",
        family="patches",
        summary="The values of each window of a map as a column (im2col).",
        infer=infer_unfold,
        arguments=ARGUMENTS,
        foreign=("Unfold", "im2col"),
        behaviour=Behaviour(reach="whole", keeps_sign=True, traffic=unfold_traffic),
        formula="(C * kernel_size^2, windows), windows as the positions of a conv",
    ),
    define(
        "fold",
        family="patches",
        summary="A map of columns that hold the values of its windows; where windows overlap, they add up (col2im).",
        infer=infer_fold,
        arguments=(Argument("output_size", PerAxis(Int(1)), doc="size of the map"), *ARGUMENTS),
        foreign=("Fold", "col2im", "Col2Im"),
        behaviour=Behaviour(reach="whole", keeps_sign=True, traffic=NO_TRAFFIC),
        formula="(C, *output_size), each place the sum of its values in all windows",
    ),
)
