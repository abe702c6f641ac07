"""Windows of a map, and what attention within them needs: `window`, `unwindow`, `window_mask`,
`relative_position_bias`, `log_spaced_offsets`.

Liu et al. 2021, "Swin Transformer", and 2022, "Swin Transformer V2"; Tu et al. 2022, "MaxViT" (the grid). Maps have
their channels last, (…, C) with one to three axes before them; windows are an axis before their tokens.
"""

from __future__ import annotations

from itertools import product as combinations
from math import copysign, log2, prod
from typing import Any

from specgraph.graph.dims import Dim, ceil_div, product
from specgraph.graph.model import Node, Parameter
from specgraph.graph.types import UNKNOWN_AXIS, TensorType
from specgraph.kinds.kinds import Bool, Choice, Either, Int, ListOf, Number, PerAxis
from specgraph.ops.behaviour import NO_TRAFFIC, Behaviour, Traffic
from specgraph.ops.definition import MAX_SPATIAL_RANK, Argument, Call, Op, define
from specgraph.ops.tensors import BATCH_AXIS, held_type

AXES_OF_NUMBER = 2
"""Axes that one number stands for if no map counts them."""


def infer_window(call: Call) -> TensorType:
    """(…, C) to (windows, tokens, C). Raises `Fault` for a map that does not divide into windows."""
    counts = _counts(call, 0, whole=not call.arguments["ceil_mode"])
    window: tuple[int, ...] = call.arguments["window_size"]
    kind = call.input
    axes = (UNKNOWN_AXIS, UNKNOWN_AXIS, "C")
    return TensorType((product(counts), prod(window), kind.dims[-1]), axes, kind.dtype, kind.batched)


def infer_unwindow(call: Call) -> TensorType:
    """Windows put together to a map as large as the second input, with the channels of the windows."""
    windows, like = call.inputs
    counts = _counts(call, 1, whole=False)
    tokens = prod(call.arguments["window_size"])
    if windows.rank != 3:
        raise call.fault("wrong-rank", "windows", inputs=(0,))
    wanted = product(counts), tokens
    if not all(call.equal(size, want) for size, want in zip(windows.dims, wanted, strict=False)):
        facts = {"like": call.names[1], "like_type": like, "wanted": wanted, "window": call.arguments["window_size"]}
        raise call.fault("window-mismatch", "map", facts, inputs=(0, 1))
    axes = (*like.axes[:-1], "C")
    batched = windows.batched or like.batched
    return TensorType((*like.dims[:-1], windows.dims[-1]), axes, windows.dtype, batched)


def infer_window_mask(call: Call) -> TensorType:
    """(windows, 1, tokens, tokens), the same for all samples."""
    counts = _counts(call, 0, whole=False)
    tokens = prod(call.arguments["window_size"])
    dims = (product(counts), 1, tokens, tokens)
    return TensorType(dims, (UNKNOWN_AXIS,) * len(dims), call.input.dtype, batched=False)


def _counts(call: Call, index: int, *, whole: bool) -> tuple[Dim, ...]:
    """How many windows lie along each axis of an input; arguments are stored with one number an axis."""
    kind, arguments = call.inputs[index], call.arguments
    rank = kind.rank - 1
    if not 1 <= rank <= MAX_SPATIAL_RANK or kind.is_feature_map:
        facts = {"name": call.names[index], "kind": kind, "order": [0, *range(2, kind.rank + 1), 1]}
        raise call.fault("wrong-rank", "channels first" if kind.is_feature_map else "map", facts, inputs=(index,))
    window, shift = call.each_per_axis(rank, "window_size", "shift_size")
    if any(shift) and arguments.get("mode") == "grid":
        raise call.fault("contradicting-arguments", "shifted grid", argument="shift_size")
    if any(each >= size for each, size in zip(shift, window, strict=True)):
        raise call.fault("contradicting-arguments", "shift", {"shift": shift, "window": window}, argument="shift_size")
    for axis, (size, each) in enumerate(zip(kind.dims[:-1], window, strict=True)):
        if whole and not call.equal(size // each * each, size):
            facts = {"size": size, "each": each, "axis": axis, "rank": rank}
            raise call.fault("window-mismatch", "indivisible", facts, argument="window_size")
    return tuple(ceil_div(size, each) for size, each in zip(kind.dims[:-1], window, strict=True))


def window_shift(node: Node, sizes: tuple[Dim, ...]) -> tuple[int, ...]:
    """How far each axis of a map of known sizes is rolled: one with a single window stays as it is."""
    pairs = zip(sizes, node.arguments["window_size"], node.arguments["shift_size"], strict=True)
    return tuple(0 if isinstance(size, int) and size <= window else shift for size, window, shift in pairs)


def window_traffic(node: Node) -> Traffic:
    """A copy in the other order; before it what is padded or rolled."""
    window: tuple[int, ...] = node.arguments["window_size"]
    dims = node.input_types[0].dims[:-1]
    padded = any(not isinstance(size, int) or size % each for size, each in zip(dims, window, strict=True))
    rolled = any(window_shift(node, dims))
    extra = 1.0 if padded or rolled else 0.0
    return Traffic(forward=extra, evaluation=extra, backward=extra)


def unwindow_traffic(node: Node) -> Traffic:
    """A copy in the other order; after it what is rolled."""
    dims = node.output.dims[:-1]
    extra = 1.0 if any(window_shift(node, dims)) else 0.0
    return Traffic(forward=extra, evaluation=extra, backward=extra)


def infer_relative_position_bias(call: Call) -> TensorType:
    """(offsets, heads) to (heads, tokens, tokens). Raises `Fault` unless the table has a row for each offset."""
    table = call.input
    if table.rank < 2:
        raise call.fault("wrong-rank", "table", inputs=(0,))
    window = _window_alone(call)
    rows, wanted = product(table.dims[:-1]), num_offsets(window)
    if not call.equal(rows, wanted):
        raise call.fault("window-mismatch", "table", {"rows": rows, "wanted": wanted, "window": window}, inputs=(0,))
    tokens = prod(window)
    return TensorType((table.dims[-1], tokens, tokens), (UNKNOWN_AXIS,) * 3, table.dtype, table.batched)


def infer_log_spaced_offsets(call: Call) -> TensorType:
    """(offsets along each axis, axes)."""
    window = _window_alone(call)
    return held_type((*(2 * size - 1 for size in window), len(window)))


def _window_alone(call: Call) -> tuple[int, ...]:
    """A window whose axes nothing else counts: one number stands for two of them."""
    size = call.arguments["window_size"]
    window: tuple[int, ...] = size if isinstance(size, tuple) else (size,) * AXES_OF_NUMBER
    call.arguments["window_size"] = window
    return window


def num_offsets(window: tuple[int, ...]) -> int:
    """How many offsets two tokens of a window can have."""
    return prod(2 * size - 1 for size in window)


def relative_positions(window: tuple[int, ...]) -> list[int]:
    """For each pair of tokens the number of their offset, the second token's place taken from the first's."""
    places = list(combinations(*map(range, window)))
    found = []
    for first in places:
        for second in places:
            number = 0
            for a, b, size in zip(first, second, window, strict=True):
                number = number * (2 * size - 1) + a - b + size - 1
            found.append(number)
    return found


def log_spaced(window: tuple[int, ...]) -> list[float]:
    """The numbers of `log_spaced_offsets`, in order."""
    axes = []
    for size in window:
        scaled = [8 * offset / max(size - 1, 1) for offset in range(1 - size, size)]
        axes.append([copysign(log2(abs(each) + 1) / 3, each) for each in scaled])
    return [number for place in combinations(*axes) for number in place]


def own_index(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """A buffer of whole numbers at the node's own path, if the `state_dict` has it."""
    shape = index_shape(arguments)
    index = Parameter("", shape, trainable=False, dtype="int64", fixed=True)
    return () if arguments["index"] == "none" else (index,)


def index_shape(arguments: dict[str, Any]) -> tuple[int, ...]:
    """The shape of the index in the `state_dict`."""
    tokens = prod(arguments["window_size"])
    return (tokens, tokens) if arguments["index"] == "square" else (tokens * tokens,)


def own_offsets(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """A buffer at the node's own path, if the `state_dict` has it."""
    return (Parameter("", offsets_shape(arguments), trainable=False),) if arguments["persistent"] else ()


def offsets_shape(arguments: dict[str, Any]) -> tuple[int, ...]:
    """The shape of the offsets in the `state_dict`."""
    window: tuple[int, ...] = arguments["window_size"]
    return (*([1] if arguments["batch_axis"] else []), *(2 * size - 1 for size in window), len(window))


WINDOW = Argument("window_size", PerAxis(Int(1)), doc="sizes of a window along the axes of the map")
WINDOW_OF_TWO = Argument(
    "window_size", Either(Int(1), ListOf(Int(1), 1, 3)), doc="sizes of a window; one number stands for two axes"
)
SHIFT = Argument(
    "shift_size",
    PerAxis(Int(0)),
    0,
    doc="places by which the map is rolled, less than a window; an axis with one window is not rolled",
)
MODE = Argument(
    "mode",
    Choice("window", "grid"),
    "window",
    doc="window: neighbours; grid: points spread evenly over the map, as many as a window has",
)
OPS: tuple[Op, ...] = (
    define(
        "window",
        family="windows",
        summary="Cuts a map with channels last into windows, each of which attends by itself.",
        infer=infer_window,
        arguments=(
            WINDOW,
            SHIFT,
            MODE,
            Argument("ceil_mode", Bool(), False, doc="whether zeros fill the last windows up; else they must fit"),
        ),
        foreign=("window_partition", "WindowPartition", "window_partition_nhwc"),
        behaviour=Behaviour(reach="whole", keeps_sign=True, traffic=window_traffic, curable=("window_size",)),
        formula="(H, W, C) = (windows, tokens, C)",
    ),
    define(
        "unwindow",
        family="windows",
        summary="Puts windows together again: a map as large as the second input, which `window` had cut.",
        infer=infer_unwindow,
        arguments=(WINDOW, SHIFT, MODE),
        num_inputs=(2, 2),
        foreign=("window_reverse", "window_unpartition", "WindowDepartition"),
        behaviour=Behaviour(joins="size", reach="whole", keeps_sign=True, traffic=unwindow_traffic),
        formula="(windows, tokens, C) = (H, W, C)",
    ),
    define(
        "window_mask",
        family="windows",
        summary="What keeps parts of a window apart that a shift brought together: a bias for attention. It takes only "
        "the size of its input.",
        infer=infer_window_mask,
        arguments=(
            WINDOW,
            SHIFT,
            Argument("value", Number(below=0), -100, doc="what is added to the score of tokens that are kept apart"),
        ),
        foreign=("attn_mask", "shifted_window_mask"),
        behaviour=Behaviour(reach="whole", traffic=NO_TRAFFIC),
        formula="out = 0, or value for two tokens of different parts",
    ),
    define(
        "relative_position_bias",
        family="windows",
        summary="A bias for each head and each two tokens of a window, taken from a table by their offset.",
        infer=infer_relative_position_bias,
        arguments=(
            WINDOW_OF_TWO,
            Argument(
                "index",
                Choice("none", "flat", "square"),
                "none",
                doc="how the state_dict has the index of each pair at the node's path: not at all, along one axis, "
                "or as (tokens, tokens)",
            ),
        ),
        parameters=own_index,
        foreign=("RelPosBias", "RelativePositionBias"),
        behaviour=Behaviour(reach="whole", keeps_sign=True, traffic=NO_TRAFFIC),
        formula="out[head, i, j] = table[offset of i and j, head]",
    ),
    define(
        "log_spaced_offsets",
        family="windows",
        summary="All offsets of two tokens of a window, log-spaced: what a network makes Swin V2's table of. It reads "
        "nothing.",
        infer=infer_log_spaced_offsets,
        arguments=(
            WINDOW_OF_TWO,
            BATCH_AXIS,
            Argument("persistent", Bool(), True, doc="whether the state_dict has it"),
        ),
        parameters=own_offsets,
        num_inputs=(0, 0),
        foreign=("relative_coords_table",),
        behaviour=Behaviour(reach="point", traffic=NO_TRAFFIC),
        formula="out = sign(d) * log2(1 + abs(d)) / 3, d = 8 * offset / (size - 1)",
    ),
)
