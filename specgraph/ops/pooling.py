"""Pooling and resizing, in one, two or three dimensions by the input's rank."""

from __future__ import annotations

import math

from specgraph.graph.dims import Dim
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.kinds.kinds import Bool, Either, Int, Nothing, Number, Padding, PerAxis
from specgraph.ops.behaviour import KEEPS_INPUTS, NO_TRAFFIC, Behaviour, Traffic, When
from specgraph.ops.convolution import kernel_too_large, window_arithmetic
from specgraph.ops.definition import Argument, Call, Op, define
from specgraph.ops.no_effect import has_window_of_one, is_all, scales_by_one
from specgraph.ops.pooling_traffic import (
    adaptive_avg_traffic,
    lp_pool_traffic,
    min_pool_traffic,
    range_pool_traffic,
    soft_pool_traffic,
)
from specgraph.ops.resizing_rules import ALIGN_CORNERS, MODE, infer_upsample, upsample_arithmetic
from specgraph.ops.sliding import window_of


def infer_pool(call: Call) -> TensorType:
    """Each spatial size by PyTorch's rule: rounded down, or up with `ceil_mode`, but then never with
    a window that starts in the padding at the end. Serves any op that slides a window, whatever it takes of
    `stride`, `padding`, `dilation` and `ceil_mode`."""
    dims = call.input.dims
    window = call.window()
    out: list[Dim] = [dims[0]]
    per_axis = zip(dims[1:], window.kernel, window.stride, window.dilation, window.padding, strict=True)
    for size, k, s, d, (before, after) in per_axis:
        if before > k // 2 or after > k // 2:
            raise call.fault(
                "padding-too-large", "pooled", {"padding": max(before, after), "kernel": k}, argument="padding"
            )
        extra = before + after - d * (k - 1) - 1
        if window.ceil_mode:
            extra = min(extra + s - 1, before - 1)  # no window starts after the input
        room = size + extra
        if not (room >= 0 if isinstance(room, int) else call.at_least(room, 0)):
            raise kernel_too_large(call, "kernel_size")
        out.append(room // s + 1)
    return call.input.with_dims(tuple(out))


def infer_avg_pool(call: Call) -> TensorType:
    """As `infer_pool`, with PyTorch's two exceptions: no `divisor_override` in one dimension, and in
    three the input must be as large as the window, also where `ceil_mode` lets windows hang over. What
    is padded alike on both sides counts without its padding; other padding comes before the pooling."""
    dims = call.input.dims
    if call.arguments["divisor_override"] is not None and len(dims) == 2:
        raise call.fault("contradicting-arguments", "divisor", argument="divisor_override")
    return _at_least_a_window(call, infer_pool(call))


def _at_least_a_window(call: Call, output: TensorType) -> TensorType:
    """The output of an average; raises `Fault` where PyTorch's average in three dimensions refuses the input."""
    dims, window = call.input.dims, call.window()
    if len(dims) == 4:
        inside = all(before == after for before, after in window.padding)
        for size, k, (before, after) in zip(dims[1:], window.kernel, window.padding, strict=True):
            counted = size if inside else size + before + after
            if not call.at_least(counted, k):
                facts = {"kernel": window.kernel, "is_padded": not inside, "counted": counted}
                raise call.fault("kernel-larger-than-input", "average", facts, argument="kernel_size")
    return output


def infer_lp_pool(call: Call) -> TensorType:
    """As `infer_avg_pool`: PyTorch takes the mean of powers."""
    return _at_least_a_window(call, infer_pool(call))


def infer_adaptive_pool(call: Call) -> TensorType:
    """(C, …) to (C, *output_size); null keeps an axis as it is."""
    dims = call.input.dims
    rank = call.spatial_rank()
    (wanted,) = call.each_per_axis(rank, "output_size")
    sizes = tuple(size if out is None else out for out, size in zip(wanted, dims[1:], strict=True))
    if rank == 1:
        call.number(sizes[0], f"the size of {call.name}")
    call.arguments["output_size"] = tuple(size if isinstance(size, int) else None for size in sizes)
    return call.input.with_dims((dims[0], *sizes))


def adaptive_arithmetic(node: Node, axis: int) -> str:
    """An adaptive pooling gives the size it was asked for."""
    return f"output_size is {node.output.dims[axis + 1]}"


def infer_global_pool(call: Call) -> TensorType:
    """(C, …) to (C, 1, …)."""
    rank = call.spatial_rank()
    return call.input.with_dims((call.input.dims[0], *(1,) * rank))


def of_ranks(*names: str) -> tuple[str, ...]:
    """Names of one, two and three spatial axes: `MaxPool1d`, `MaxPool2d`, `MaxPool3d` of `MaxPool{}d`."""
    return tuple(name.format(rank) for name in names for rank in (1, 2, 3))


KERNEL_SIZE = Argument("kernel_size", PerAxis(Int(1)), doc="size of the window")
STRIDE = Argument("stride", PerAxis(Int(1)), None, doc="step of the window; kernel_size where not given")
CEIL_MODE = Argument(
    "ceil_mode",
    Bool(),
    False,
    doc="round sizes up instead of down; a last window that would start in the padding behind is left out",
)
OUTPUT_SIZE = Argument(
    "output_size", PerAxis(Either(Int(1), Nothing())), doc="the output's spatial size; null keeps an axis"
)


WINDOW_OF_ONE = When(has_window_of_one, "each window holds one value")
FIRST_OF_ONE = When(lambda node: node.arguments["norm_type"] == 1 and has_window_of_one(node), WINDOW_OF_ONE.reason)
KERNEL_OF_ONE = When(lambda node: is_all(window_of(node).kernel, 1), "each window holds one value, whose range is 0")
KEEPS_INDICES = Traffic(inputs=True, kept=2.0, forward=2.0, evaluation=2.0)
OPS: tuple[Op, ...] = (
    define(
        "max_pool",
        family="pooling",
        summary="The largest value in each window.",
        infer=infer_pool,
        arguments=(
            KERNEL_SIZE,
            STRIDE,
            Argument("padding", Padding(), 0, doc="added on both sides, never the largest value"),
            Argument("dilation", PerAxis(Int(1)), 1, doc="distance between the window's points"),
            CEIL_MODE,
        ),
        arithmetic=window_arithmetic,
        foreign=(
            "MaxPool",
            *of_ranks("MaxPool{}d", "max_pool{}d", "MaxPooling{}D"),
            "maxpool",
            "maxpool2d",
            "max_pooling",
        ),
        behaviour=Behaviour(
            reach="window",
            keeps_sign=True,
            takes_largest=True,
            no_effect=WINDOW_OF_ONE,
            traffic=KEEPS_INDICES,
            curable=("padding",),
        ),
        formula="out = floor((in + before + after - dilation*(kernel_size - 1) - 1) / stride) + 1",
    ),
    define(
        "min_pool",
        family="pooling",
        summary="The least value in each window.",
        infer=infer_pool,
        arguments=(
            KERNEL_SIZE,
            STRIDE,
            Argument("padding", Padding(), 0, doc="added on both sides, never the least value"),
            Argument("dilation", PerAxis(Int(1)), 1, doc="distance between the window's points"),
        ),
        arithmetic=window_arithmetic,
        foreign=("MinPool", *of_ranks("MinPool{}d", "min_pool{}d", "MinPooling{}D"), "min_pooling"),
        behaviour=Behaviour(
            reach="window", keeps_sign=True, no_effect=WINDOW_OF_ONE, traffic=min_pool_traffic, curable=("padding",)
        ),
        formula="out = floor((in + before + after - dilation*(kernel_size - 1) - 1) / stride) + 1",
    ),
    define(
        "avg_pool",
        family="pooling",
        summary="The mean of each window.",
        infer=infer_avg_pool,
        arguments=(
            KERNEL_SIZE,
            STRIDE,
            Argument("padding", Padding(), 0, doc="zeros added on both sides"),
            CEIL_MODE,
            Argument("count_include_pad", Bool(), True, doc="whether the padding counts in the mean"),
            Argument(
                "divisor_override",
                Either(Int(1), Nothing()),
                None,
                doc="what sums are divided by, instead of the number of values",
            ),
        ),
        arithmetic=window_arithmetic,
        foreign=(
            "AvgPool",
            "AveragePool",
            *of_ranks("AvgPool{}d", "avg_pool{}d", "AveragePooling{}D"),
            "avgpool",
            "avgpool2d",
            "average_pool",
            "average_pooling",
        ),
        behaviour=Behaviour(
            reach="window", keeps_sign=True, no_effect=WINDOW_OF_ONE, traffic=KEEPS_INPUTS, curable=("padding",)
        ),
        formula="out = floor((in + before + after - kernel_size) / stride) + 1",
    ),
    define(
        "lp_pool",
        family="pooling",
        summary="The p-norm of each window; a root of a negative sum, which an odd power may have, is not a number.",
        infer=infer_lp_pool,
        arguments=(
            Argument("norm_type", Number(above=0), doc="the power p, whose p-th root is taken of the sum"),
            KERNEL_SIZE,
            STRIDE,
            CEIL_MODE,
        ),
        arithmetic=window_arithmetic,
        foreign=("LPPool", "LpPool", *of_ranks("LPPool{}d", "lp_pool{}d")),
        behaviour=Behaviour(reach="window", keeps_sign=True, no_effect=FIRST_OF_ONE, traffic=lp_pool_traffic),
        formula="(sum of x^p over the window)^(1/p); a window that hangs over counts as if it were full",
    ),
    define(
        "range_pool",
        family="pooling",
        summary="The largest value less the least of each window: the local range, or morphological gradient.",
        infer=infer_pool,
        arguments=(
            KERNEL_SIZE,
            STRIDE,
            Argument("padding", Padding(), 0, doc="added on both sides, neither the largest value nor the least"),
        ),
        arithmetic=window_arithmetic,
        foreign=("RangePool", *of_ranks("RangePool{}d", "range_pool{}d"), "range_pooling"),
        behaviour=Behaviour(
            reach="window",
            range=(0, math.inf),
            constant=KERNEL_OF_ONE,
            traffic=range_pool_traffic,
            curable=("padding",),
        ),
        formula="out = floor((in + before + after - kernel_size) / stride) + 1",
    ),
    define(
        "soft_pool",
        family="pooling",
        summary="The mean of each window, in which each value has its exponential as weight.",
        infer=infer_pool,
        arguments=(KERNEL_SIZE, STRIDE),
        arithmetic=window_arithmetic,
        foreign=("SoftPool", *of_ranks("SoftPool{}d", "soft_pool{}d"), "soft_pooling"),
        behaviour=Behaviour(reach="window", keeps_sign=True, no_effect=WINDOW_OF_ONE, traffic=soft_pool_traffic),
        formula="(sum of x*exp(x) over the window) / (sum of exp(x) over the window)",
    ),
    define(
        "adaptive_avg_pool",
        family="pooling",
        summary="Means over windows chosen so that the output has a given size.",
        infer=infer_adaptive_pool,
        arguments=(OUTPUT_SIZE,),
        arithmetic=adaptive_arithmetic,
        foreign=of_ranks("AdaptiveAvgPool{}d", "adaptive_avg_pool{}d"),
        behaviour=Behaviour(reach="adaptive", pools_map=True, keeps_sign=True, traffic=adaptive_avg_traffic),
        formula="window i of n spans floor(i*in/n) to ceil((i + 1)*in/n)",
    ),
    define(
        "adaptive_max_pool",
        family="pooling",
        summary="Largest values over windows chosen so that the output has a given size.",
        infer=infer_adaptive_pool,
        arguments=(OUTPUT_SIZE,),
        arithmetic=adaptive_arithmetic,
        foreign=of_ranks("AdaptiveMaxPool{}d", "adaptive_max_pool{}d"),
        behaviour=Behaviour(
            reach="adaptive", pools_map=True, keeps_sign=True, takes_largest=True, traffic=KEEPS_INDICES
        ),
        formula="window i of n spans floor(i*in/n) to ceil((i + 1)*in/n)",
    ),
    define(
        "global_avg_pool",
        family="pooling",
        summary="The mean over all spatial axes, which stay with size 1.",
        infer=infer_global_pool,
        foreign=(
            "GlobalAveragePool",
            "GlobalAvgPool2d",
            *of_ranks("GlobalAveragePooling{}D"),
            "global_average_pool",
            "global_average_pooling",
            "gap",
        ),
        behaviour=Behaviour(reach="whole", pools_map=True, keeps_sign=True, traffic=NO_TRAFFIC),
        formula="out = 1x1",
    ),
    define(
        "global_max_pool",
        family="pooling",
        summary="The largest value over all spatial axes, which stay with size 1.",
        infer=infer_global_pool,
        foreign=("GlobalMaxPool", "GlobalMaxPool2d", *of_ranks("GlobalMaxPooling{}D"), "global_max_pooling"),
        behaviour=Behaviour(reach="whole", pools_map=True, keeps_sign=True, takes_largest=True, traffic=KEEPS_INDICES),
        formula="out = 1x1",
    ),
    define(
        "upsample",
        family="pooling",
        summary="Resizing by interpolation, to a size or by a factor.",
        infer=infer_upsample,
        arguments=(
            Argument("size", Either(PerAxis(Int(1)), Nothing()), None, doc="the output's spatial size"),
            Argument(
                "scale_factor",
                Either(PerAxis(Number(above=0)), Nothing()),
                None,
                doc="output size over input size",
            ),
            MODE,
            ALIGN_CORNERS,
        ),
        arithmetic=upsample_arithmetic,
        foreign=(
            "Upsample",
            "UpsamplingNearest2d",
            "UpsamplingBilinear2d",
            *of_ranks("UpSampling{}D"),
            "Interp",
            "Resize",
            "interpolate",
            "resize",
        ),
        behaviour=Behaviour(
            reach="resized", no_effect=When(scales_by_one, "the scale factor is 1"), traffic=NO_TRAFFIC
        ),
        formula="out = floor(in * scale_factor)",
    ),
)
