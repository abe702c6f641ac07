"""Receptive fields: which part of the input a unit of a feature map depends on.

Along a spatial axis, what unit `i` sees is an interval of input positions that moves on evenly: the
interval of unit `i + period` is that of unit `i` shifted by `advance`. Without upsampling the period
is 1 and `advance` the effective stride, as in Araujo, Norris and Sim, "Computing Receptive Fields of
Convolutional Neural Networks", Distill 2019; with it, the intervals of one period are kept, which
stays exact for fractional strides. Joins see the union. The network is taken as it is in evaluation
mode, where batch normalisation does not look around.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from specgraph.graph.model import Graph, Node
from specgraph.graph.types import TensorType
from specgraph.ops.behaviour import SLIDING
from specgraph.ops.registry import behaviour_of
from specgraph.ops.sliding import window_of

if TYPE_CHECKING:
    from specgraph.ops.behaviour import Reach

SPATIAL_LABELS = ("D", "H", "W", "L")
MAX_PERIOD = 4096


class Window(NamedTuple):
    """What the units of one period see along an axis of the input, first and last position each."""

    advance: int
    lows: tuple[int, ...]
    highs: tuple[int, ...]

    @property
    def period(self) -> int:
        """Number of units after which the intervals repeat."""
        return len(self.lows)

    @property
    def size(self) -> int:
        """Number of input positions, the most over all units."""
        return max(high - low for low, high in zip(self.lows, self.highs, strict=True)) + 1

    @property
    def stride(self) -> Fraction:
        """Input positions from one unit to the next."""
        return Fraction(self.advance, self.period)

    def low(self, unit: int) -> int:
        """First input position that a unit sees."""
        turns, phase = divmod(unit, self.period)
        return self.lows[phase] + turns * self.advance

    def high(self, unit: int) -> int:
        """Last input position that a unit sees."""
        turns, phase = divmod(unit, self.period)
        return self.highs[phase] + turns * self.advance

    def after(self, period: int, advance: int, first: Reads, last: Reads) -> Window | None:
        """The window of an op whose unit `i` reads this map from `first(i)` to `last(i)`, both of which
        grow by `advance` every `period` units. None (the whole input) where the period gets too long.
        """
        repeats = self.period // math.gcd(self.period, advance)
        length = period * repeats
        if length > MAX_PERIOD:
            return None
        lows = tuple(self.low(first(unit)) for unit in range(length))
        highs = tuple(self.high(last(unit)) for unit in range(length))
        return Window(repeats * advance * self.advance // self.period, lows, highs)

    def sliding(self, stride: int, low: int, high: int) -> Window | None:
        """The window of an op whose unit `i` reads from `stride * i + low` to `stride * i + high`."""
        if self.period == 1:
            step = self.advance
            return Window(step * stride, (self.lows[0] + step * low,), (self.highs[0] + step * high,))
        return self.after(1, stride, lambda unit: stride * unit + low, lambda unit: stride * unit + high)

    def union(self, other: Window) -> Window | None:
        """What sees both; None where they move at different speeds."""
        if self.stride != other.stride:
            return None
        length = math.lcm(self.period, other.period)
        if length > MAX_PERIOD:
            return None
        units = range(length)
        return Window(
            self.advance * length // self.period,
            tuple(min(self.low(unit), other.low(unit)) for unit in units),
            tuple(max(self.high(unit), other.high(unit)) for unit in units),
        )


Reads = Callable[[int], int]
WHOLE = None
"""Stands for a window that is the whole input."""

Windows = dict[str, Window | None]
POINT = Window(1, (0,), (0,))


class ReceptiveField(NamedTuple):
    """Per spatial axis of the input: the size seen and the stride; None where it is the whole input."""

    sizes: tuple[int | None, ...]
    strides: tuple[Fraction | None, ...]

    def __str__(self) -> str:
        return show_sizes(self.sizes)


def show_sizes(sizes: tuple[Any, ...]) -> str:
    """Sizes as text: `7x7`, `all` where every axis is seen whole, nothing where there is no axis."""
    if not sizes:
        return ""
    if all(size is None for size in sizes):
        return "all"
    return "x".join("all" if size is None else str(size) for size in sizes)


def receptive_fields(graph: Graph) -> dict[str, ReceptiveField]:
    """The receptive field of every node, by path.

    For a network with several inputs, sizes are the largest over them. A node that no spatial input
    reaches has an empty field.
    """
    return {
        path: ReceptiveField(
            tuple(window.size if window else None for window in found.values()),
            tuple(window.stride if window else None for window in found.values()),
        )
        for path, found in windows_of(graph).items()
    }


def windows_of(graph: Graph) -> dict[str, Windows]:
    """What a unit of every node sees, by path and spatial axis of the input."""
    windows: dict[str, Windows] = {}
    for name, kind in graph.inputs.items():
        windows[name] = {axis: POINT for axis in kind.axes if axis in SPATIAL_LABELS}
    for node in graph.nodes.values():
        if not node.inputs:
            windows[node.path] = {}
            continue
        first, *others = (windows[source] for source in node.inputs)
        if behaviour_of(node.op).joins == "size":
            others = []
        if behaviour_of(node.op).reach == "unpooled":
            windows[node.path] = _join([_unpooled(node, first, False), *(_unpooled(node, one, True) for one in others)])
            continue
        joined = _join([first, *others]) if others else first
        windows[node.path] = _through(node, joined) if joined else joined
    for name in graph.inputs:
        del windows[name]
    return windows


def _join(inputs: list[Windows]) -> Windows:
    joined: Windows = {}
    for windows in inputs:
        for axis, window in windows.items():
            if axis not in joined:
                joined[axis] = window
                continue
            other = joined[axis]
            joined[axis] = window.union(other) if window and other else WHOLE
    return joined


def _through(node: Node, windows: Windows) -> Windows:
    behaviour = behaviour_of(node.op)
    if behaviour.mixes is not None:
        return _over_dims(node, windows, behaviour.mixes)
    return _RULES[behaviour.reach](node, windows)


def _in_place(node: Node, windows: Windows) -> Windows:
    kept = set(node.input_types[0].axes) == set(node.output.axes)
    return windows if kept else _whole(windows)


def _whole(windows: Windows) -> Windows:
    return dict.fromkeys(windows, WHOLE)


def _spatial_axes(kind: TensorType) -> list[tuple[int, str]]:
    """(index among the spatial axes, label) of the axes that carry windows."""
    return list(enumerate(axis for axis in kind.axes if axis in SPATIAL_LABELS))


def _value(value: Any, index: int) -> Any:
    return value[index] if isinstance(value, tuple) else value


def _padding_before(node: Node, index: int, reach: int) -> int:
    padding = node.arguments.get("padding", 0)
    if padding == "same":
        return reach // 2
    if padding == "valid" or padding is None:
        return 0
    pair = _value(padding, index)
    return int(pair[0] if isinstance(pair, tuple) else pair)


def _sliding(node: Node, windows: Windows) -> Windows:
    found, slides = dict(windows), window_of(node)
    for index, axis in _spatial_axes(node.input_types[0]):
        window = windows.get(axis)
        if window is not None:
            before, _ = slides.padding[index]
            found[axis] = window.sliding(slides.stride[index], -before, slides.span(index) - 1 - before)
    return found


def _transposed(node: Node, windows: Windows) -> Windows:
    found = dict(windows)
    for index, axis in _spatial_axes(node.input_types[0]):
        window = windows.get(axis)
        if window is None:
            continue
        stride: int = _value(node.arguments["stride"], index)
        dilation = _value(node.arguments.get("dilation", 1), index)
        reach = (_value(node.arguments["kernel_size"], index) - 1) * dilation
        before = _padding_before(node, index, reach)
        first, last = partial(_ceil_div, shift=before - reach, by=stride), partial(_floor_div, shift=before, by=stride)
        found[axis] = window.after(stride, 1, first, last)
    return found


def _ceil_div(unit: int, shift: int, by: int) -> int:
    return -((-unit - shift) // by)


def _floor_div(unit: int, shift: int, by: int) -> int:
    return (unit + shift) // by


def _adaptive(node: Node, windows: Windows) -> Windows:
    found = dict(windows)
    kind = node.input_types[0]
    for _, axis in _spatial_axes(kind):
        window = windows.get(axis)
        size, wanted = kind.size(axis), node.output.size(axis)
        if window is None or size == wanted:
            continue
        if not isinstance(size, int) or not isinstance(wanted, int) or wanted == 1:
            found[axis] = WHOLE
            continue
        ratio = Fraction(size, wanted)
        last = partial(_ceil_of, step=ratio, shift=ratio, extra=-1)
        found[axis] = window.after(ratio.denominator, ratio.numerator, partial(_floor_of, step=ratio), last)
    return found


def _floor_of(unit: int, step: Fraction, shift: Fraction = Fraction(0), extra: int = 0) -> int:
    return math.floor(unit * step + shift) + extra


def _ceil_of(unit: int, step: Fraction, shift: Fraction = Fraction(0), extra: int = 0) -> int:
    return math.ceil(unit * step + shift) + extra


def _upsampled(node: Node, windows: Windows) -> Windows:
    found = dict(windows)
    kind = node.input_types[0]
    mode = node.arguments.get("mode", "nearest")
    aligned = bool(node.arguments.get("align_corners"))
    for index, axis in _spatial_axes(kind):
        window = windows.get(axis)
        size, wanted = kind.size(axis), node.output.size(axis)
        if window is None or size == wanted:
            continue
        factor = _value(node.arguments.get("scale_factor"), index)
        if factor is not None and not aligned:  # PyTorch steps by the factor, not by the ratio of the sizes
            step = 1 / Fraction(factor).limit_denominator(1000)
        elif isinstance(size, int) and isinstance(wanted, int):
            step = Fraction(size - 1, wanted - 1) if aligned and wanted > 1 else Fraction(size, wanted)
        else:
            found[axis] = WHOLE
            continue
        shift = Fraction(0) if aligned or mode == "nearest" else step / 2 - Fraction(1, 2)
        extra = 1 if mode == "bicubic" else 0

        first = partial(_floor_of, step=step, shift=shift, extra=-extra)
        last = first if mode == "nearest" else partial(_ceil_of, step=step, shift=shift, extra=extra)
        found[axis] = window.after(step.denominator, step.numerator, first, last)
    return found


def _unpooled(node: Node, windows: Windows, is_whole: bool) -> Windows:
    """A unit reads the value of its window, and of the map that was pooled the whole window."""
    found = dict(windows)
    for index, axis in _spatial_axes(node.input_types[0]):
        window = windows.get(axis)
        if window is not None:
            kernel = _value(node.arguments["kernel_size"], index)
            first = partial(_window_end, kernel=kernel, step=kernel if is_whole else 1, last=0)
            last = partial(
                _window_end, kernel=kernel, step=kernel if is_whole else 1, last=kernel - 1 if is_whole else 0
            )
            found[axis] = window.after(kernel, kernel if is_whole else 1, first, last)
    return found


def _window_end(unit: int, kernel: int, step: int, last: int) -> int:
    return unit // kernel * step + last


def _pixel_shuffled(node: Node, windows: Windows) -> Windows:
    channels, *spatial = node.input_types[0].axes
    factor = node.arguments["upscale_factor"]
    reads = partial(_floor_div, shift=0, by=factor)
    found = {
        axis: window and window.after(factor, 1, reads, reads) for axis, window in windows.items() if axis in spatial
    }
    return windows | found | ({channels: WHOLE} if channels in windows else {})


def _padded(node: Node, windows: Windows) -> Windows:
    found = dict(windows)
    for index, axis in _spatial_axes(node.input_types[0]):
        window = windows.get(axis)
        before = _padding_before(node, index, 0)
        if window is not None and before:
            found[axis] = window.sliding(1, -before, -before)
    return found


def _sliced(node: Node, windows: Windows) -> Windows:
    kind = node.input_types[0]
    dim = node.arguments["dim"]
    axis = kind.axes[dim - 1 if dim > 0 else dim]
    window = windows.get(axis)
    if window is None:
        return windows
    start = node.arguments.get("start") or 0
    size = kind.size(axis)
    if start < 0:
        if not isinstance(size, int):
            return {**windows, axis: WHOLE}
        start += size
    return {**windows, axis: window.sliding(node.arguments.get("step") or 1, start, start)}


def _over_dims(node: Node, windows: Windows, argument: str) -> Windows:
    """An op that mixes the axes named by an argument (counted with the batch axis as 0)."""
    value = node.arguments.get(argument)
    axes = node.input_types[0].axes
    if value is None:
        return _whole(windows)
    dims = value if isinstance(value, tuple) else (value,)
    mixed = {axes[dim - 1 if dim > 0 else dim] for dim in dims}
    return {axis: WHOLE if axis in mixed else window for axis, window in windows.items()}


def _everywhere(node: Node, windows: Windows) -> Windows:
    return _whole(windows)


def _last_axis(node: Node, windows: Windows) -> Windows:
    axis = node.input_types[0].axes[-1]
    if axis == "C":
        return windows
    if len(node.input_types[0].axes) == 1:
        return _whole(windows)
    return {**windows, axis: WHOLE} if axis in windows else windows


_RULES: dict[Reach, Callable[[Node, Windows], Windows]] = {
    "unknown": _everywhere,
    "point": _in_place,
    SLIDING: _sliding,
    "transposed": _transposed,
    "adaptive": _adaptive,
    "resized": _upsampled,
    "padded": _padded,
    "cut": _sliced,
    "shuffled": _pixel_shuffled,
    "features": _last_axis,
    "whole": _everywhere,
    "unpooled": _everywhere,
}
