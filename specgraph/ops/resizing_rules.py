"""Sizes of what is resized, and the arguments that say how."""

from __future__ import annotations

import math
from typing import Any

from specgraph.graph.dims import Dim
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.kinds.kinds import Bool, Choice, Either, Nothing
from specgraph.kinds.shown import show
from specgraph.ops.definition import MAX_ELEMENTS, Argument, Call

MODE_RANKS = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
MAX_DENOMINATOR = 64
MODE = Argument(
    "mode",
    Choice("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", elsewhere={"cubic": "bicubic"}),
    "nearest",
    doc="linear for one, bilinear or bicubic for two, trilinear for three spatial axes",
)
ALIGN_CORNERS = Argument(
    "align_corners",
    Either(Bool(), Nothing()),
    None,
    doc="whether corner pixels, not corner edges, coincide; interpolating modes only",
)


def infer_upsample(call: Call) -> TensorType:
    """(C, …) to (C, *size), or each spatial size to floor(in * scale_factor)."""
    arguments = call.arguments
    dims = call.input.dims
    rank = call.spatial_rank()
    check_mode(call, rank)
    if (arguments["size"] is None) == (arguments["scale_factor"] is None):
        if arguments["size"] is not None:
            raise call.fault("contradicting-arguments", "size and scale", argument="scale_factor")
        raise call.fault("contradicting-arguments", "no size")
    if arguments["size"] is not None:
        (sizes,) = call.each_per_axis(rank, "size")
        return call.input.with_dims((dims[0], *sizes))
    (scales,) = call.each_per_axis(rank, "scale_factor")
    return call.input.with_dims(
        (dims[0], *(scaled(call, size, scale) for size, scale in zip(dims[1:], scales, strict=True)))
    )


def check_mode(call: Call, rank: int) -> None:
    """Raise `Fault` for a mode of another number of axes, and for `align_corners` without interpolation."""
    mode: str = call.arguments["mode"]
    if MODE_RANKS.get(mode, rank) != rank:
        fitting = [name for name, axes in MODE_RANKS.items() if axes == rank]
        facts = {"mode": mode, "wanted": MODE_RANKS[mode], "rank": rank, "fitting": (*fitting, "nearest")}
        raise call.fault("wrong-number-of-axes", "mode", facts, argument="mode")
    if call.arguments["align_corners"] is not None and mode not in MODE_RANKS:
        raise call.fault("contradicting-arguments", "corners", {"mode": mode}, argument="align_corners")


def scaled(call: Call, size: Dim, scale: float) -> Dim:
    """floor(size * scale), in double precision as PyTorch computes it."""
    if isinstance(size, int):
        exact = float(size) * scale if scale <= MAX_ELEMENTS else math.inf
        if exact > MAX_ELEMENTS:
            facts = {"scale": show(scale), "exact": exact, "size": size}
            raise call.fault("tensor-too-large", "scaled", facts, argument="scale_factor")
        out: Dim = math.floor(exact)
    else:
        numerator, denominator = float(scale).as_integer_ratio()
        if denominator > MAX_DENOMINATOR:
            call.number(size, f"a size of {call.name} that is scaled by {scale}")
        out = size * numerator // denominator
    if not call.at_least(out, 1):
        raise call.fault("empty-output", "scaled", {"scale": scale, "size": size, "out": out}, argument="scale_factor")
    return out


def upsample_arithmetic(node: Node, axis: int) -> str:
    """How one size is computed: `floor(7 * 2) = 14`."""
    scales: tuple[Any, ...] | None = node.arguments["scale_factor"]
    if scales is None:
        return f"size is {node.output.dims[axis + 1]}"
    return f"floor({node.input_types[0].dims[axis + 1]} * {scales[axis]}) = {node.output.dims[axis + 1]}"
