"""Pooling and resizing, in one, two or three dimensions by the input's rank."""

from __future__ import annotations

import math
from math import prod

from specgraph.graph.dims import product
from specgraph.graph.model import Node
from specgraph.kinds.kinds import Bool, Either, Int, Nothing, Number, Padding, PerAxis
from specgraph.ops.behaviour import KEEPS_INPUTS, NO_TRAFFIC, Behaviour, Traffic, When
from specgraph.ops.convolution import window_arithmetic
from specgraph.ops.definition import Argument, Op, define
from specgraph.ops.no_effect import has_window_of_one, is_all, scales_by_one
from specgraph.ops.pooling_rules import (
    adaptive_arithmetic,
    infer_adaptive_pool,
    infer_avg_pool,
    infer_global_pool,
    infer_lp_pool,
    infer_pool,
)
from specgraph.ops.resizing_rules import ALIGN_CORNERS, MODE, infer_upsample, upsample_arithmetic
from specgraph.ops.sliding import window_of


def adaptive_avg_traffic(node: Node) -> Traffic:
    """PyTorch pools to a single position by `mean`, which keeps nothing."""
    return NO_TRAFFIC if product(node.output.dims[1:]) == 1 else KEEPS_INPUTS


def values_per_result(node: Node) -> float:
    """Size of the input over that of the output; 1 if one of them is not known."""
    before, after = product(node.input_types[0].dims), product(node.output.dims)
    return before / after if isinstance(before, int) and isinstance(after, int) else 1.0


def lp_pool_traffic(node: Node) -> Traffic:
    """Powers as large as the input, and up to four tensors as large as the output."""
    ratio = values_per_result(node)
    backward = max(2 * ratio - 4, 3 - ratio)
    return Traffic(inputs=True, kept=ratio + 4, forward=ratio + 4, evaluation=max(ratio, 3.0), backward=backward)


def min_pool_traffic(node: Node) -> Traffic:
    """The negated input and, as in max pooling, two indices per value of the output."""
    ratio = values_per_result(node)
    return Traffic(kept=ratio + 2, forward=ratio + 3, evaluation=ratio + 2, backward=1.0)


def range_pool_traffic(node: Node) -> Traffic:
    """Max pooling of the input, then of the negated input: each has a result, and two indices per value of it."""
    ratio = values_per_result(node)
    return Traffic(inputs=True, kept=ratio + 4, forward=ratio + 6, evaluation=ratio + 3)


def soft_pool_traffic(node: Node) -> Traffic:
    """The values of all windows, their weights and the products. Windows along one axis are a view of the input."""
    ratio, kernel = values_per_result(node), window_of(node).kernel
    count = prod(kernel)
    if count == max(kernel):
        backward = max(3 * count - ratio, count)
        return Traffic(inputs=True, kept=count, forward=2 * count, evaluation=2 * count - 1, backward=backward)
    backward = max(2 * count - ratio, 0.0)
    return Traffic(kept=2 * count, forward=3 * count, evaluation=3 * count - 1, backward=backward)


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
