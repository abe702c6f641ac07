"""Ops that move, cut or lengthen: `pad`, `slice`, `reshape`, `permute`, `mean` and the like."""

from __future__ import annotations

from math import prod

from specgraph.graph.dims import Dim, at_most, ceil_div, minimum, product
from specgraph.graph.model import Node
from specgraph.graph.types import UNKNOWN_AXIS, TensorType
from specgraph.kinds.kinds import Bool, Choice, Either, Int, ListOf, Nothing, Number, Padding
from specgraph.ops.behaviour import HANDS_ON, NO_TRAFFIC, Behaviour, When
from specgraph.ops.convolution import check_wrapping, padded
from specgraph.ops.definition import MAX_SPATIAL_RANK, Argument, Call, Op, define
from specgraph.ops.no_effect import moves_no_axis, pads_nothing, takes_all
from specgraph.ops.sliding import PADDINGS

ELSEWHERE = PADDINGS | {"zero": "constant", "zeros": "constant"}


def infer_pad(call: Call) -> TensorType:
    """Each axis grows by what is added before and after it."""
    arguments = call.arguments
    dims = call.input.dims
    rank = len(dims) - 1
    mode: str = arguments["mode"]
    flat = rank == 0 and arguments["padding"] == 0
    if not flat and not 1 <= rank <= MAX_SPATIAL_RANK:
        call.spatial_rank()
    padding = call.padding(rank)
    if any(arguments["channels"]) and mode != "constant":
        raise call.fault("contradicting-arguments", "padded channels", {"mode": mode}, argument="channels")
    check_wrapping(call, padding, mode)
    pairs = (arguments["channels"], *padding)
    return call.input.with_dims(
        tuple(size + (before + after) for size, (before, after) in zip(dims, pairs, strict=True))
    )


def pad_arithmetic(node: Node, axis: int) -> str:
    """How one size is computed: `224 + 2*3 = 230`."""
    before, after = node.arguments["padding"][axis]
    return f"{padded(node.input_types[0].dims[axis + 1], before, after)} = {node.output.dims[axis + 1]}"


def infer_slice(call: Call) -> TensorType:
    """The axis keeps every step-th entry from start up to stop, bounds clipped as in Python."""
    arguments = call.arguments
    dim = call.axis("dim", arguments["dim"])
    arguments["dim"] = dim
    size = call.input.dims[dim - 1]
    start, stop, step = arguments["start"], arguments["stop"], arguments["step"]
    first = minimum(start, size) if start >= 0 else size - minimum(size, -start)
    last = size if stop is None else minimum(stop, size) if stop >= 0 else size - minimum(size, -stop)
    if not call.at_least(last - first, 1):
        argument = "stop" if "stop" in call.stated else "start"
        raise call.fault(
            "empty-output", "slice", {"size": size, "start": start, "stop": stop, "dim": dim}, argument=argument
        )
    dims = call.input.dims
    kept = ceil_div(last - first, step)
    if at_most(kept, 1):
        kept = 1  # of a free size too: what is empty is refused above
    return call.input.with_dims((*dims[: dim - 1], kept, *dims[dim:]))


def slice_arithmetic(node: Node, axis: int) -> str:
    """What is cut: `entries 0 to 58 of 116`."""
    if node.arguments["dim"] != axis + 2:
        return f"{node.output.dims[axis + 1]} as before"
    stop = node.arguments["stop"]
    end = "the end" if stop is None else stop
    return f"entries {node.arguments['start']} to {end} of {node.input_types[0].dims[axis + 1]}"


def infer_reshape(call: Call) -> TensorType:
    """The same values in another shape, given without the batch axis; one -1 is worked out."""
    shape: tuple[int, ...] = call.arguments["shape"]
    dims = call.input.dims
    total = product(dims)
    known = prod(size for size in shape if size != -1)
    if 0 in shape or min(shape) < -1:
        raise call.fault("reshape-size-mismatch", "negative", {"shape": list(shape)}, argument="shape")
    if shape.count(-1) > 1:
        facts = {"shape": list(shape), "num_open": shape.count(-1), "total": total}
        raise call.fault("reshape-size-mismatch", "several open", facts, argument="shape")
    if -1 in shape:
        rest = total // known
        if not call.at_least(rest, 1) or not call.equal(rest * known, total):
            raise call.fault("reshape-size-mismatch", "indivisible", {"total": total, "known": known}, argument="shape")
        sizes: tuple[Dim, ...] = tuple(rest if size == -1 else size for size in shape)
    else:
        if not call.equal(total, known):
            facts = {"shape": list(shape), "known": known, "total": total}
            raise call.fault("reshape-size-mismatch", "other product", facts, argument="shape")
        sizes = shape
    call.arguments["shape"] = tuple(size if isinstance(size, int) else -1 for size in sizes)
    axes = ("F",) if len(sizes) == 1 else (UNKNOWN_AXIS,) * len(sizes)
    return TensorType(sizes, axes, call.input.dtype)


def infer_permute(call: Call) -> TensorType:
    """Axes in the given order; the batch axis 0 stays before it."""
    kind = call.input
    rank = len(kind.dims) + 1
    dims: tuple[int, ...] = call.arguments["dims"]
    example = [0, *range(2, rank), 1] if rank > 2 else [0, 1]
    if len(dims) != rank:
        missing_batch = len(dims) == rank - 1 and 0 not in dims
        facts = {"given": len(dims), "rank": rank, "fitting": [0, *dims] if missing_batch else example}
        raise call.fault("wrong-number-of-axes", "dims", facts, argument="dims")
    order = tuple(call.axis("dims", dim, batch=True) for dim in dims)
    if order[0] != 0:
        fitting = [0, *(dim for dim in order if dim)] if len(set(order)) == rank else example
        raise call.fault("batch-axis-touched", "dims", {"dims": list(dims), "fitting": fitting}, argument="dims")
    behind = call.axes("dims", order[1:])
    call.arguments["dims"] = order
    return TensorType(
        tuple(kind.dims[axis - 1] for axis in behind), tuple(kind.axes[axis - 1] for axis in behind), kind.dtype
    )


def infer_channel_shuffle(call: Call) -> TensorType:
    """The input's own type; the channels must divide into the groups."""
    if len(call.input.dims) < 2:
        call.spatial_rank()
    channels, groups = call.input.dims[0], call.arguments["groups"]
    if not call.equal(channels // groups * groups, channels):
        raise call.fault("indivisible-groups", "shuffled", {"channels": channels, "groups": groups}, argument="groups")
    return call.input


def infer_pixel_shuffle(call: Call) -> TensorType:
    """Channels become pixels: (C*r*r, H, W) becomes (C, H*r, W*r)."""
    kind, factor = call.input, call.arguments["upscale_factor"]
    if len(kind.dims) != 3:
        raise call.fault("wrong-rank", "no image", {"rank": len(kind.dims)}, inputs=(0,))
    (channels, *sizes), square = kind.dims, factor * factor
    if not call.equal(channels // square * square, channels):
        facts = {"channels": channels, "factor": factor, "square": square}
        raise call.fault("indivisible-groups", "pixels", facts, argument="upscale_factor")
    return kind.with_dims((channels // square, *(size * factor for size in sizes)))


def pixel_shuffle_arithmetic(node: Node, axis: int) -> str:
    """How one size is computed: `28 * 2 = 56`."""
    size = node.input_types[0].dims[axis + 1]
    text = str(size) if isinstance(size, int) else f"({size})"
    return f"{text} * {node.arguments['upscale_factor']} = {node.output.dims[axis + 1]}"


def infer_mean(call: Call) -> TensorType:
    """The axes `dim` vanish, or stay with size 1."""
    kind = call.input
    dim = call.arguments["dim"]
    axes = tuple(sorted(call.axes("dim", dim if isinstance(dim, tuple) else (dim,))))
    call.arguments["dim"] = axes
    if call.arguments["keepdim"]:
        return kind.with_dims(tuple(1 if axis in axes else size for axis, size in enumerate(kind.dims, 1)))
    kept = [axis - 1 for axis in range(1, len(kind.dims) + 1) if axis not in axes]
    if not kept:
        raise call.fault("wrong-rank", "mean of all", argument="dim")
    labels = tuple(kind.axes[axis] for axis in kept)
    return TensorType(tuple(kind.dims[axis] for axis in kept), ("F",) if len(kept) == 1 else labels, kind.dtype)


def infer_identity(call: Call) -> TensorType:
    """The input's own type."""
    return call.input


OPS: tuple[Op, ...] = (
    define(
        "pad",
        family="shape",
        summary="Values added around the spatial axes, or to the channels.",
        infer=infer_pad,
        arguments=(
            Argument("padding", Padding(), 0, doc="added to the spatial axes, as conv's"),
            Argument("channels", ListOf(Int(0), 2, 2), (0, 0), doc="channels added [before, after]"),
            Argument(
                "mode",
                Choice("constant", "reflect", "replicate", "circular", elsewhere=ELSEWHERE),
                "constant",
                doc="what the padding holds; channels are padded by a constant only",
            ),
            Argument("value", Number(), 0, doc="the constant"),
        ),
        arithmetic=pad_arithmetic,
        foreign=(
            "Pad",
            "ZeroPad1d",
            "ZeroPad2d",
            "ZeroPad3d",
            "ConstantPad1d",
            "ConstantPad2d",
            "ConstantPad3d",
            "ReflectionPad1d",
            "ReflectionPad2d",
            "ReflectionPad3d",
            "ReplicationPad1d",
            "ReplicationPad2d",
            "ReplicationPad3d",
            "CircularPad1d",
            "CircularPad2d",
            "CircularPad3d",
            "ZeroPadding1D",
            "ZeroPadding2D",
            "ZeroPadding3D",
            "padding",
        ),
        behaviour=Behaviour(
            reach="padded",
            no_effect=When(pads_nothing, "nothing is added on any side"),
            traffic=NO_TRAFFIC,
            curable=("padding",),
        ),
        formula="out = in + before + after",
    ),
    define(
        "slice",
        family="shape",
        summary="A range of one axis, by default of the channels.",
        infer=infer_slice,
        arguments=(
            Argument("dim", Int(), 1, doc="axis that is cut; the batch axis is 0"),
            Argument("start", Int(), 0, doc="first entry; negative counts from the end"),
            Argument(
                "stop",
                Either(Int(), Nothing()),
                None,
                doc="entry behind the last; negative counts from the end, null is the end",
            ),
            Argument("step", Int(1), 1, doc="distance between entries"),
        ),
        arithmetic=slice_arithmetic,
        foreign=("Slice", "Split", "split", "chunk", "narrow", "Crop"),
        behaviour=Behaviour(
            reach="cut",
            view="cut",
            keeps_sign=True,
            no_effect=When(takes_all, "the slice takes everything"),
            traffic=NO_TRAFFIC,
        ),
        formula="out = ceil((stop - start) / step)",
    ),
    define(
        "reshape",
        family="shape",
        summary="The same values in another shape.",
        infer=infer_reshape,
        arguments=(Argument("shape", ListOf(Int(), 1, 8), doc="sizes without the batch axis; one may be -1"),),
        foreign=("Reshape", "view", "Squeeze", "squeeze", "Unsqueeze", "unsqueeze"),
        behaviour=Behaviour(
            reach="whole",
            view="regrouped",
            keeps_sign=True,
            no_effect=When(lambda node: node.input_types[0] == node.output, "its input has that shape already"),
            traffic=HANDS_ON,
        ),
        formula="product of the new sizes = product of the old",
    ),
    define(
        "permute",
        family="shape",
        summary="Axes in another order.",
        infer=infer_permute,
        arguments=(Argument("dims", ListOf(Int(), 1, 9), doc="the order, the batch axis 0 first: [0, 2, 3, 1]"),),
        foreign=("Permute", "Transpose", "transpose", "movedim"),
        behaviour=Behaviour(
            reach="point",
            view="reordered",
            keeps_sign=True,
            no_effect=When(moves_no_axis, "no axis moves"),
            traffic=HANDS_ON,
        ),
        formula="out axis i = in axis dims[i]",
    ),
    define(
        "channel_shuffle",
        family="shape",
        summary="Mixes channels between groups (ShuffleNet).",
        infer=infer_channel_shuffle,
        arguments=(Argument("groups", Int(1), doc="groups that the channels are divided into"),),
        foreign=("ChannelShuffle", "shuffle"),
        behaviour=Behaviour(
            reach="point",
            keeps_sign=True,
            no_effect=When(
                lambda node: node.arguments["groups"] in (1, node.input_types[0].channels),
                "one group, or one channel in each, keeps its order",
            ),
            traffic=NO_TRAFFIC,
            curable=("groups",),
        ),
        formula="(groups, C / groups) transposed",
    ),
    define(
        "pixel_shuffle",
        family="shape",
        summary="Channels become pixels of a larger map (sub-pixel convolution).",
        infer=infer_pixel_shuffle,
        arguments=(Argument("upscale_factor", Int(1), doc="how many times higher and wider the map becomes"),),
        arithmetic=pixel_shuffle_arithmetic,
        foreign=("PixelShuffle", "DepthToSpace"),
        behaviour=Behaviour(
            reach="shuffled",
            keeps_sign=True,
            no_effect=When(
                lambda node: bool(node.arguments["upscale_factor"] == 1), "with upscale_factor 1 nothing moves"
            ),
            traffic=NO_TRAFFIC,
        ),
        formula="out = in * upscale_factor, channels / upscale_factor^2",
    ),
    define(
        "mean",
        family="shape",
        summary="The mean over axes.",
        infer=infer_mean,
        arguments=(
            Argument("dim", Either(Int(), ListOf(Int(), 1)), doc="axis or axes; the batch axis is 0"),
            Argument("keepdim", Bool(), False, doc="whether the axes stay, with size 1"),
        ),
        foreign=("Mean", "ReduceMean", "reduce_mean"),
        behaviour=Behaviour(mixes="dim", traffic=NO_TRAFFIC),
        formula="sum / count",
    ),
    define(
        "identity",
        family="shape",
        summary="Its input, unchanged.",
        infer=infer_identity,
        foreign=("Identity", "noop", "no_op", "pass"),
        behaviour=Behaviour(pointwise=True, reach="point", view="same", keeps_sign=True, traffic=HANDS_ON),
        formula="x",
    ),
)
