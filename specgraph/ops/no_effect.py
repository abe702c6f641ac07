"""Which nodes give their input again, by their arguments."""

from __future__ import annotations

from typing import Any

from specgraph.graph.model import Node
from specgraph.ops.sliding import window_of


def is_all(value: Any, wanted: Any) -> bool:
    """Whether an argument, or each of its entries, is `wanted`."""
    return all(is_all(item, wanted) for item in value) if isinstance(value, tuple) else bool(value == wanted)


def has_window_of_one(node: Node) -> bool:
    """Whether each window holds one value, and none is left out."""
    window = window_of(node)
    undivided = node.arguments.get("divisor_override") in (None, 1)
    return undivided and is_all(window.kernel, 1) and is_all(window.stride, 1)


def scales_by_one(node: Node) -> bool:
    """Whether the factor along each axis is 1."""
    scale = node.arguments["scale_factor"]
    return scale is not None and is_all(scale, 1)


def pads_nothing(node: Node) -> bool:
    """Whether nothing is added to any axis."""
    return is_all(node.arguments["padding"], 0) and is_all(node.arguments["channels"], 0)


def takes_all(node: Node) -> bool:
    """Whether every entry of the axis is taken."""
    start, stop, step, dim = (node.arguments[name] for name in ("start", "stop", "step", "dim"))
    all_channels = dim == 1 and stop == node.input_types[0].dims[0]
    return start == 0 and step == 1 and (stop is None or all_channels)


def moves_no_axis(node: Node) -> bool:
    """Whether the axes stay in order."""
    return all(axis == place for place, axis in enumerate(node.arguments["dims"]))


def merges_nothing(node: Node) -> bool:
    """Whether the first axis to merge is the last."""
    rank = len(node.input_types[0].dims) + 1
    return bool(node.arguments["start_dim"] % rank == node.arguments["end_dim"] % rank)
