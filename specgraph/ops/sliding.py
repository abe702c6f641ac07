"""Sliding windows: the one place that reads the arguments of a window, neutral where an op does not take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specgraph.graph.model import Node
from specgraph.named_tuples import NamedTuple

PADDINGS = {"reflection": "reflect", "edge": "replicate", "replication": "replicate", "wrap": "circular"}
"""What the padding modes are called elsewhere."""


class SlidingWindow(NamedTuple):
    """What slides over a map, one value per spatial axis: kernel, stride and dilation in positions, padding as
    (before, after). `ceil_mode` rounds the number of windows up; `padding_mode` says what the padding holds."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    ceil_mode: bool
    padding_mode: str

    def span(self, axis: int) -> int:
        """Positions from the first value of a window to its last, both counted."""
        return self.dilation[axis] * (self.kernel[axis] - 1) + 1


def window_of(node: Node) -> SlidingWindow:
    """The window of a node whose op declares `reach="window"`."""
    arguments = node.arguments
    try:
        found: SlidingWindow = arguments.sliding
    except AttributeError:
        found = arguments.sliding = read_window(arguments, len(node.input_types[0].dims) - 1)
    return found


def read_window(arguments: Mapping[str, Any], rank: int) -> SlidingWindow:
    """The window that arguments describe, canonical or as written, over `rank` spatial axes.

    An op without `stride` steps by its kernel, as PyTorch's pooling does; without `padding` it adds nothing, without
    `dilation` the points of its window are neighbours.
    """
    kernel = _per_axis(arguments["kernel_size"], rank)
    stride = arguments.get("stride")
    padding = _per_axis(arguments.get("padding", 0), rank)
    return SlidingWindow(
        kernel,
        kernel if stride is None else _per_axis(stride, rank),
        tuple(pad if isinstance(pad, tuple) else (pad, pad) for pad in padding),
        _per_axis(arguments.get("dilation", 1), rank),
        bool(arguments.get("ceil_mode", False)),
        arguments.get("padding_mode", "zeros"),
    )


def _per_axis(value: Any, rank: int) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,) * rank
