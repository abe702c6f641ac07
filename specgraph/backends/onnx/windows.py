"""Windows of a map in ONNX. Of a map of known size all numbers are constants, else they are computed from its shape."""

from __future__ import annotations

from math import prod

import numpy as np

from specgraph.backends.onnx.builder import FLOAT, FLOAT16, INT64, Array, Builder, known, numbers
from specgraph.backends.onnx.layout import FAR, roll
from specgraph.backends.onnx.lowering import Lower
from specgraph.graph.dims import Dim, ceil_div
from specgraph.graph.model import Node
from specgraph.ops.windows import log_spaced, offsets_shape, relative_positions, window_shift

Size = int | str
"""A number, or the name of a vector of one number."""


class Map:
    """The sizes of the map that a node cuts or puts together: how many windows along each axis, what is added, and how
    far it is rolled."""

    def __init__(self, builder: Builder, node: Node, value: str, dims: tuple[Dim, ...]) -> None:
        self.builder, self.node = builder, node
        self.window: tuple[int, ...] = node.arguments["window_size"]
        self.rank = len(self.window)
        shifts = window_shift(node, dims)
        self.sizes: list[Size] = [
            size
            if isinstance(size, int)
            else builder.step(node, f"size{axis}", "Shape", [value], start=axis, end=axis + 1)
            for axis, size in enumerate(dims, 1)
        ]
        self.counts: list[Size] = []
        self.wholes: list[Size] = []
        self.shifts: list[Size] = []
        for axis, (size, each, shift) in enumerate(zip(self.sizes, self.window, shifts, strict=True)):
            if isinstance(size, int):
                count = -(-size // each)
                self.counts.append(count)
                self.wholes.append(count * each)
                self.shifts.append(shift)
                continue
            up = self._step(f"up{axis}", "Add", size, each - 1)
            self.counts.append(self._step(f"count{axis}", "Div", up, each))
            self.wholes.append(self._step(f"whole{axis}", "Mul", self.counts[-1], each))
            self.shifts.append(self._only_if_several(axis, size, each, shift) if shift else 0)

    def _step(self, label: str, op_type: str, left: Size, right: Size) -> str:
        inputs = [self.vector(f"{label}/{side}", [part]) for side, part in (("left", left), ("right", right))]
        return self.builder.step(self.node, label, op_type, inputs)

    def _only_if_several(self, axis: int, size: str, each: int, shift: int) -> str:
        """The shift, or 0 if the axis has one window."""
        several = self._step(f"several{axis}", "Greater", size, each)
        number = self.builder.step(self.node, f"several{axis}/number", "Cast", [several], to=INT64)
        return self._step(f"shift{axis}", "Mul", number, shift)

    def difference(self, label: str, left: Size, right: Size) -> Size:
        """What is left of a size after another one."""
        if isinstance(left, int) and isinstance(right, int):
            return left - right
        return self._step(label, "Sub", left, right)

    def vector(self, label: str, parts: list[Size]) -> str:
        """The name of a vector with these numbers."""
        if all(isinstance(part, int) for part in parts):
            return self.builder.integers(self.node, label, [part for part in parts if isinstance(part, int)])
        values = [
            part if isinstance(part, str) else self.builder.integers(self.node, f"{label}/{place}", [part])
            for place, part in enumerate(parts)
        ]
        return values[0] if len(values) == 1 else self.builder.step(self.node, label, "Concat", values, axis=0)

    def rolled(self, value: str, label: str, sign: int) -> str:
        """A value rolled along its axes by the shifts, backwards if the sign is negative."""
        for axis, shift in enumerate(self.shifts, 1):
            if isinstance(shift, int):
                if shift:
                    value = roll(self.builder, self.node, value, [(sign * shift, axis)], f"{label}{axis}-")
                continue
            away = shift if sign < 0 else self.difference(f"{label}{axis}/rest", self.wholes[axis - 1], shift)
            value = self._rolled_back(value, axis, away, f"{label}{axis}")
        return value

    def _rolled_back(self, value: str, axis: int, away: Size, label: str) -> str:
        """What stands after so many places, then these."""
        builder, node = self.builder, self.node
        cut, axes = self.vector(f"{label}/cut", [away]), builder.integers(node, f"{label}/axis", [axis])
        start, end = builder.integers(node, f"{label}/start", [0]), builder.integers(node, f"{label}/end", [FAR])
        parts = [
            builder.step(node, f"{label}/last", "Slice", [value, cut, end, axes]),
            builder.step(node, f"{label}/first", "Slice", [value, start, cut, axes]),
        ]
        return builder.step(node, label, "Concat", parts, axis=axis)


def _features(builder: Builder, node: Node, value: str) -> Size:
    """The number of channels, which come last."""
    size = node.input_types[0].dims[-1]
    return size if isinstance(size, int) else builder.step(node, "features", "Shape", [value], start=-1)


def lower_window(builder: Builder, node: Node) -> None:
    """What the map lacks to whole windows is added, the map is rolled, then its axes are parted, turned and joined."""
    (value,) = builder.inputs(node)
    features = _features(builder, node, value)
    cut = Map(builder, node, value, node.input_types[0].dims[:-1])
    if node.arguments["ceil_mode"] and cut.wholes != cut.sizes:
        pairs = list(zip(cut.wholes, cut.sizes, strict=True))
        added = [cut.difference(f"added{axis}", whole, size) for axis, (whole, size) in enumerate(pairs)]
        ends = cut.vector("pads", [*[0] * (cut.rank + 2), 0, *added, 0])
        value = builder.step(node, "padded", "Pad", [value, ends], mode="constant")
    value = cut.rolled(value, "rolled", -1)
    is_grid = node.arguments["mode"] == "grid"
    parts: list[Size] = []
    for count, each in zip(cut.counts, cut.window, strict=True):
        parts += [each, count] if is_grid else [count, each]
    value = builder.step(node, "parted", "Reshape", [value, cut.vector("parts", [0, *parts, features])])
    counts, inner = (
        [axis + is_grid for axis in range(1, 2 * cut.rank, 2)],
        [axis - is_grid for axis in range(2, 2 * cut.rank + 1, 2)],
    )
    value = builder.step(node, "turned", "Transpose", [value], perm=[0, *counts, *inner, 2 * cut.rank + 1])
    windows: Size = numbers(node.output.dims[:1])[0] if known(node.output.dims[:1]) else -1
    shape: list[Size] = [0, windows, prod(cut.window), features]
    builder.emit(node, "Reshape", [value, cut.vector("shape", shape)])


def lower_unwindow(builder: Builder, node: Node) -> None:
    """Axes parted, turned and joined again; the map is rolled, and what was added is cut off."""
    value, like = builder.inputs(node)
    features = _features(builder, node, value)
    cut = Map(builder, node, like, node.input_types[1].dims[:-1])
    rank = cut.rank
    shape = cut.vector("parts", [0, *cut.counts, *cut.window, features])
    value = builder.step(node, "parted", "Reshape", [value, shape])
    outer, inner = list(range(1, rank + 1)), list(range(rank + 1, 2 * rank + 1))
    pairs = zip(inner, outer, strict=True) if node.arguments["mode"] == "grid" else zip(outer, inner, strict=True)
    value = builder.step(
        node, "turned", "Transpose", [value], perm=[0, *[axis for pair in pairs for axis in pair], 2 * rank + 1]
    )
    joined = [value, cut.vector("shape", [0, *cut.wholes, features])]
    if not any(cut.shifts) and cut.wholes == cut.sizes:
        builder.emit(node, "Reshape", joined)
        return
    value = cut.rolled(builder.step(node, "joined", "Reshape", joined), "rolled", 1)
    starts, axes = (
        builder.integers(node, "starts", [0] * rank),
        builder.integers(node, "axes", list(range(1, rank + 1))),
    )
    builder.emit(node, "Slice", [value, starts, cut.vector("ends", cut.sizes), axes])


def lower_window_mask(builder: Builder, node: Node) -> None:
    """An initialiser for a map of known size. Else parts are numbered along each axis, and compared."""
    dims = node.input_types[0].dims[:-1]
    if known(dims):
        builder.hold(node, builder.floats(node, "mask", mask_of(node, numbers(dims))))
        return
    (value,) = builder.inputs(node)
    cut = Map(builder, node, value, dims)
    apart = ""
    for axis in range(cut.rank):
        differ = _apart(builder, node, cut, axis)
        apart = builder.step(node, f"apart{axis}", "Or", [apart, differ]) if apart else differ
    tokens = prod(cut.window)
    shape = builder.integers(node, "shape", [1, -1, 1, tokens, tokens])
    joined = builder.step(node, "joined", "Reshape", [apart, shape])
    ones = builder.step(node, "ones", "Cast", [joined], to=FLOAT16 if builder.half else FLOAT)
    builder.emit(node, "Mul", [ones, builder.floats(node, "value", node.arguments["value"])])


def _apart(builder: Builder, node: Node, cut: Map, axis: int) -> str:
    """Whether two places along an axis are of different parts, with the other axes of size 1."""
    each, whole, shift = cut.window[axis], cut.wholes[axis], cut.shifts[axis]
    zero, one = (builder.constant(f"{node.path}/{n}", np.asarray(n, np.int64)) for n in (0, 1))
    scalar = builder.step(node, f"end{axis}", "Squeeze", [cut.vector(f"end{axis}/vector", [whole])])
    places = builder.step(node, f"places{axis}", "Range", [zero, scalar, one])
    late = builder.step(
        node,
        f"late{axis}",
        "GreaterOrEqual",
        [places, cut.vector(f"late{axis}/from", [cut.difference(f"last{axis}", whole, shift)])],
    )
    columns, rows = ([1] * 3 * cut.rank for _ in range(2))
    columns[axis] = rows[axis] = -1
    columns[cut.rank + axis] = rows[2 * cut.rank + axis] = each
    first = builder.step(node, f"first{axis}", "Reshape", [late, builder.integers(node, f"columns{axis}", columns)])
    second = builder.step(node, f"second{axis}", "Reshape", [late, builder.integers(node, f"rows{axis}", rows)])
    return builder.step(node, f"differ{axis}", "Xor", [first, second])


def mask_of(node: Node, sizes: tuple[int, ...]) -> Array:
    """The mask for a map of these sizes, (1, windows, 1, tokens, tokens)."""
    window: tuple[int, ...] = node.arguments["window_size"]
    rank, tokens = len(sizes), prod(window)
    apart = np.zeros((1,) * 3 * rank, bool)
    for axis, (size, each, shift) in enumerate(zip(sizes, window, window_shift(node, sizes), strict=True)):
        count = int(ceil_div(size, each))  # type: ignore[arg-type]
        late = (np.arange(count * each) >= count * each - shift).reshape(count, each)
        shape = [1] * 3 * rank
        shape[axis], shape[rank + axis], shape[2 * rank + axis] = count, each, each
        apart = apart | (late[:, :, None] != late[:, None, :]).reshape(shape)
    found = np.where(apart, np.float32(node.arguments["value"]), np.float32(0))
    return found.reshape(1, -1, 1, tokens, tokens)


def lower_relative_position_bias(builder: Builder, node: Node) -> None:
    """`Gather` of the table's rows, then the heads first."""
    (table,) = builder.inputs(node)
    heads, tokens = node.output.dims[0], node.output.dims[-1]
    kind = node.input_types[0]
    if kind.rank > 2:
        table = builder.step(
            node, "table", "Reshape", [table, builder.integers(node, "table/shape", [0, -1, *numbers((heads,))])]
        )
    if node.parameters:
        index = builder.parameter(node, "", _flat, "flat")
    else:
        index = builder.integers(node, "index", relative_positions(node.arguments["window_size"]))
    rows = builder.step(node, "rows", "Gather", [table, index], axis=1)
    shape = builder.integers(node, "shape", [0, *numbers((tokens, tokens, heads))])
    pairs = builder.step(node, "pairs", "Reshape", [rows, shape])
    builder.emit(node, "Transpose", [pairs], perm=[0, 3, 1, 2])


def _flat(array: Array) -> Array:
    return array.reshape(-1)


def lower_log_spaced_offsets(builder: Builder, node: Node) -> None:
    """The initialiser itself."""
    in_front = not node.arguments["batch_axis"]
    if node.parameters:
        builder.hold(node, builder.parameter(node, "", (lambda array: array[None]) if in_front else None))
        return
    found = np.asarray(log_spaced(node.arguments["window_size"]), np.float32).reshape(offsets_shape(node.arguments))
    builder.hold(node, builder.floats(node, "value", found[None] if in_front else found))


LOWERINGS: dict[str, Lower] = {
    "window": lower_window,
    "unwindow": lower_unwindow,
    "window_mask": lower_window_mask,
    "relative_position_bias": lower_relative_position_bias,
    "log_spaced_offsets": lower_log_spaced_offsets,
}
