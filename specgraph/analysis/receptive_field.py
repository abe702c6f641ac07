"""Receptive fields: which part of the input a unit of a feature map depends on.

Along each spatial axis of the input, unit `i` of a feature map sees the positions from
`stride * i + low` to `stride * i + high`. Strides are exact fractions, since upsampling divides
them. The interval arithmetic is that of Araujo, Norris and Sim, "Computing Receptive Fields of
Convolutional Neural Networks", Distill 2019, extended to joins (the union), fractional strides and
ops that see the whole map. The network is taken as it is in evaluation mode, where batch
normalisation does not look around.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from specgraph.graph.model import Graph, Node
from specgraph.graph.types import TensorType

SPATIAL_LABELS = ("D", "H", "W", "L")


class Window(NamedTuple):
    """What a unit sees along one axis of the input: from `stride * i + low` to `stride * i + high`."""

    stride: Fraction
    low: Fraction
    high: Fraction

    @property
    def size(self) -> int:
        """Number of input positions, the most over all units."""
        return int(self.high - self.low) + 1

    def after(self, stride: Fraction, low: Fraction, high: Fraction) -> Window:
        """The window of an op whose unit `i` reads this map from `stride * i + low` to `… + high`."""
        return Window(self.stride * stride, self.low + self.stride * low, self.high + self.stride * high)


WHOLE = None
"""Stands for a window that is the whole input."""

Windows = dict[str, Window | None]
POINT = Window(Fraction(1), Fraction(0), Fraction(0))


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
    windows: dict[str, Windows] = {}
    for name, kind in graph.inputs.items():
        windows[name] = {axis: POINT for axis in kind.axes if axis in SPATIAL_LABELS}
    fields: dict[str, ReceptiveField] = {}
    for node in graph.nodes.values():
        joined = _join([windows[source] for source in node.inputs])
        found = _through(node, joined) if joined else joined
        windows[node.path] = found
        fields[node.path] = ReceptiveField(
            tuple(window.size if window else None for window in found.values()),
            tuple(window.stride if window else None for window in found.values()),
        )
    return fields


def _join(inputs: list[Windows]) -> Windows:
    joined: Windows = {}
    for windows in inputs:
        for axis, window in windows.items():
            if axis not in joined:
                joined[axis] = window
                continue
            other = joined[axis]
            if window is None or other is None:
                joined[axis] = WHOLE
            else:  # strides differ only where a broadcast map meets another: the wider one counts
                stride = max(window.stride, other.stride)
                joined[axis] = Window(stride, min(window.low, other.low), max(window.high, other.high))
    return joined


def _through(node: Node, windows: Windows) -> Windows:
    rule = _RULES.get(node.op)
    if rule is not None:
        return rule(node, windows)
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
    found = dict(windows)
    for index, axis in _spatial_axes(node.input_types[0]):
        window = windows.get(axis)
        if window is None:
            continue
        kernel = _value(node.arguments["kernel_size"], index)
        stride = _value(node.arguments.get("stride"), index)
        reach = (kernel - 1) * (_value(node.arguments.get("dilation", 1), index) or 1)
        before = Fraction(_padding_before(node, index, reach))
        found[axis] = window.after(Fraction(kernel if stride is None else stride), -before, reach - before)
    return found


def _transposed(node: Node, windows: Windows) -> Windows:
    found = dict(windows)
    for index, axis in _spatial_axes(node.input_types[0]):
        window = windows.get(axis)
        if window is None:
            continue
        stride = _value(node.arguments["stride"], index)
        reach = (_value(node.arguments["kernel_size"], index) - 1) * _value(node.arguments.get("dilation", 1), index)
        before = _padding_before(node, index, reach)
        found[axis] = window.after(Fraction(1, stride), Fraction(before - reach, stride), Fraction(before, stride))
    return found


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
        ragged = Fraction(ratio.denominator - 1, ratio.denominator)
        found[axis] = window.after(ratio, -ragged, ratio - 1 + ragged)
    return found


def _upsampled(node: Node, windows: Windows) -> Windows:
    found = dict(windows)
    kind = node.input_types[0]
    mode = node.arguments.get("mode", "nearest")
    taps = 0 if mode == "nearest" else 2 if mode == "bicubic" else 1
    for index, axis in _spatial_axes(kind):
        window = windows.get(axis)
        size, wanted = kind.size(axis), node.output.size(axis)
        if window is None or size == wanted:
            continue
        factor = _value(node.arguments.get("scale_factor"), index)
        if isinstance(size, int) and isinstance(wanted, int):
            step = Fraction(size, wanted)
            if node.arguments.get("align_corners") and wanted > 1:
                step = Fraction(size - 1, wanted - 1)
        elif factor is not None:
            step = 1 / Fraction(factor).limit_denominator(1000)
        else:
            found[axis] = WHOLE
            continue
        ragged = Fraction(max(step.denominator - 1, 0), step.denominator)
        if taps == 0:
            found[axis] = window.after(step, -ragged, Fraction(0))
            continue
        aligned = bool(node.arguments.get("align_corners"))
        shift = Fraction(0) if aligned else step / 2 - Fraction(1, 2)
        fine = ragged if aligned else Fraction(2 * step.denominator - 1, 2 * step.denominator)
        found[axis] = window.after(step, shift - fine - (taps - 1), shift + taps)
    return found


def _padded(node: Node, windows: Windows) -> Windows:
    found = dict(windows)
    for index, axis in _spatial_axes(node.input_types[0]):
        window = windows.get(axis)
        before = _padding_before(node, index, 0)
        if window is not None and before:
            found[axis] = window.after(Fraction(1), Fraction(-before), Fraction(-before))
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
    first = Fraction(start)
    return {**windows, axis: window.after(Fraction(node.arguments.get("step") or 1), first, first)}


def _over_dims(argument: str) -> Callable[[Node, Windows], Windows]:
    """An op that mixes the axes named by an argument (counted with the batch axis as 0)."""

    def rule(node: Node, windows: Windows) -> Windows:
        value = node.arguments.get(argument)
        axes = node.input_types[0].axes
        if value is None:
            return _whole(windows)
        dims = value if isinstance(value, tuple) else (value,)
        mixed = {axes[dim - 1 if dim > 0 else dim] for dim in dims}
        return {axis: WHOLE if axis in mixed else window for axis, window in windows.items()}

    return rule


def _everywhere(node: Node, windows: Windows) -> Windows:
    return _whole(windows)


def _last_axis(node: Node, windows: Windows) -> Windows:
    axis = node.input_types[0].axes[-1]
    if axis == "C":
        return windows
    return (
        _whole(windows)
        if len(node.input_types[0].axes) == 1
        else {**windows, **({axis: WHOLE} if axis in windows else {})}
    )


_RULES: dict[str, Callable[[Node, Windows], Windows]] = {
    "conv": _sliding,
    "max_pool": _sliding,
    "avg_pool": _sliding,
    "conv_transpose": _transposed,
    "adaptive_avg_pool": _adaptive,
    "adaptive_max_pool": _adaptive,
    "global_avg_pool": _everywhere,
    "global_max_pool": _everywhere,
    "upsample": _upsampled,
    "pad": _padded,
    "slice": _sliced,
    "mean": _over_dims("dim"),
    "softmax": _over_dims("dim"),
    "log_softmax": _over_dims("dim"),
    "layer_norm": _over_dims("axes"),
    "group_norm": _everywhere,
    "instance_norm": _everywhere,
    "flatten": _everywhere,
    "reshape": _everywhere,
    "linear": _last_axis,
}
