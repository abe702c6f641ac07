"""Resizing: ONNX's `Resize` where runtimes read it as PyTorch does, cells picked or weighed where not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from specgraph.backends.onnx.axes import multiply_axes
from specgraph.backends.onnx.builder import DOUBLE, FLOAT, INT64, Array, Builder, known, numbers
from specgraph.graph.arguments import Arguments
from specgraph.graph.dims import Dim
from specgraph.graph.model import Node


def lower_upsample(builder: Builder, node: Node) -> None:
    """`Resize`, by scales where the sizes are numbers; to a `size` from free ones by `sizes`, whose `axes` can
    be named from opset 18 on. Nearest cells by a fraction are a `Gather` each axis, by numbers that are computed in the
    file where sizes are free."""
    arguments = node.arguments
    mode, attributes = _mode(node)
    value = builder.inputs(node)[0]
    sizes_in, sizes_out = node.input_types[0].dims[1:], node.output.dims[1:]
    if known(sizes_in) and known(sizes_out):
        before, after = numbers(sizes_in), numbers(sizes_out)
        multiples = [new / old for old, new in zip(before, after, strict=True)]
        whole = all(ratio.is_integer() for ratio in multiples) and arguments["scale_factor"] in (None, tuple(multiples))
        if arguments["mode"] in ("nearest", "nearest-exact") and not whole:
            _gather_nearest(builder, node, value)
            return
        moved = before == after and not whole and not arguments["align_corners"]
        if mode == "cubic" and (moved or any(new < old for old, new in zip(before, after, strict=True))):
            _interpolate_by_products(builder, node, value, before, after)
            return
        if arguments["size"] is not None:
            ratios = np.asarray([1.0, 1.0, *multiples], np.float32)
            for axis, (length, wanted) in enumerate(zip(before, after, strict=True), 2):
                ratios[axis] = _single_precision_scale(ratios[axis], length, wanted)
            builder.emit(node, "Resize", [value, "", builder.constant(f"{node.path}/scales", ratios)], **attributes)
            return
    factors = arguments["scale_factor"]
    if mode.startswith("nearest") and (factors is None or not all(float(factor).is_integer() for factor in factors)):
        _gather_nearest(builder, node, value)
        return
    if arguments["size"] is not None:
        target = builder.integers(node, "size", arguments["size"])
        shape = builder.step(node, "shape", "Shape", [value], end=2)
        target = builder.step(node, "sizes", "Concat", [shape, target], axis=0)  # of all axes, as for padding
        builder.emit(node, "Resize", [value, "", "", target], **attributes)
        return
    scales = np.asarray([1.0, 1.0, *map(float, arguments["scale_factor"])], np.float32)
    for axis, (old, new) in enumerate(zip(node.input_types[0].dims[1:], node.output.dims[1:], strict=True)):
        if isinstance(old, int) and isinstance(new, int):
            scales[axis + 2] = _single_precision_scale(scales[axis + 2], old, new)
        if mode == "linear" and old == new:
            scales[axis + 2] = 1.0  # PyTorch copies such an axis, whatever the factor
    builder.emit(node, "Resize", [value, "", builder.constant(f"{node.path}/scales", scales)], **attributes)


def lower_resize_like(builder: Builder, node: Node) -> None:
    """As `upsample` to a size where the second input's is a number; else to that of its `Shape`."""
    value, like = builder.inputs(node)
    wanted = node.output.dims[1:]
    if known(wanted):
        arguments = Arguments({**node.arguments, "size": wanted, "scale_factor": None})
        lower_upsample(builder, node.replace(arguments=arguments))
        return
    mode, attributes = _mode(node)
    if mode.startswith("nearest"):
        node = node.replace(arguments=Arguments({**node.arguments, "scale_factor": None}))
        _gather_nearest(builder, node, value, like)
        return
    kept = builder.step(node, "shape", "Shape", [value], end=2)
    target = builder.step(node, "size", "Shape", [like], start=2)
    target = builder.step(node, "sizes", "Concat", [kept, target], axis=0)
    builder.emit(node, "Resize", [value, "", "", target], **attributes)


def _mode(node: Node) -> tuple[str, dict[str, str | float]]:
    """ONNX's mode, or `nearest-exact`, and the attributes of a `Resize` that computes it as PyTorch does."""
    mode: str = node.arguments["mode"]
    mode = {"bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    attributes: dict[str, str | float] = {"mode": mode}
    if mode == "nearest":
        attributes["coordinate_transformation_mode"] = "asymmetric"
        attributes["nearest_mode"] = "floor"
    elif mode == "nearest-exact":
        attributes["mode"] = "nearest"
        attributes["coordinate_transformation_mode"] = "half_pixel"
        attributes["nearest_mode"] = "round_prefer_ceil"
    else:
        aligned = node.arguments["align_corners"]
        attributes["coordinate_transformation_mode"] = "align_corners" if aligned else "half_pixel"
    if mode == "cubic":
        attributes["cubic_coeff_a"] = -0.75
    return mode, attributes


def _gather_nearest(builder: Builder, node: Node, value: str, like: str | None = None) -> None:
    """Nearest cells, picked by number: PyTorch multiplies by a scale in single precision where
    runtimes divide, and the two round differently. Free sizes that no factor gives are those of `like`."""
    factors = node.arguments["scale_factor"]
    half = np.float32(0.5 if node.arguments["mode"] == "nearest-exact" else 0.0)
    sizes = list(zip(node.input_types[0].dims[1:], node.output.dims[1:], strict=True))
    changed: list[tuple[int, str]] = []
    for axis, (old, new) in enumerate(sizes):
        factor = None if factors is None else factors[axis]
        if not isinstance(old, int) or not isinstance(new, int):
            changed.append((axis + 2, _computed_cells(builder, node, axis, new, factor, half, like)))
            continue
        scale = np.float32(1 / factor if factor is not None else np.float32(old) / np.float32(new))
        cells = np.floor((np.arange(new, dtype=np.float32) + half) * scale).astype(np.int64)
        if not half and len(sizes) == 2 and new in (old, 2 * old):
            cells = np.arange(new) * old // new  # PyTorch asks for no scale here
        picked = np.minimum(cells, old - 1).tolist()
        if picked != list(range(old)):
            changed.append((axis + 2, builder.integers(node, f"cells{axis + 2}", picked)))
    if not changed:
        builder.emit(node, "Identity", [value])
    for axis, indices in changed:
        if axis == changed[-1][0]:
            builder.emit(node, "Gather", [value, indices], axis=axis)
        else:
            value = builder.step(node, f"gather{axis}", "Gather", [value, indices], axis=axis)


def _computed_cells(
    builder: Builder, node: Node, axis: int, new: Dim, factor: float | None, half: np.float32, like: str | None
) -> str:
    """Numbers of the nearest cells of an axis whose size the file is to find out, computed as PyTorch does."""

    def step(label: str, op_type: str, *inputs: str, **attributes: int) -> str:
        return builder.step(node, f"{label}{axis + 2}", op_type, inputs, **attributes)

    def constant(label: str, value: Any, dtype: type[np.generic]) -> str:
        return builder.constant(f"{node.path}/{label}{axis + 2}", np.asarray(value, dtype))

    def numbered(count: str) -> str:
        count = step("scalar", "Squeeze", count, constant("axis", [0], np.int64))
        cells = step("range", "Range", constant("first", 0, np.int64), count, constant("step", 1, np.int64))
        places = step("range_float", "Cast", cells, to=FLOAT)
        return step("places", "Add", places, constant("half", [half], np.float32)) if half else places

    old = step("old", "Shape", builder.inputs(node)[0], start=axis + 2, end=axis + 3)
    if factor is None and isinstance(new, int):
        scale = step("scale", "Div", step("old_float", "Cast", old, to=FLOAT), constant("new", [new], np.float32))
        places = constant("places", np.arange(new) + half, np.float32)
    elif factor is None:
        assert like is not None
        count = step("new", "Shape", like, start=axis + 2, end=axis + 3)
        scale = step(
            "scale", "Div", step("old_float", "Cast", old, to=FLOAT), step("new_float", "Cast", count, to=FLOAT)
        )
        places = numbered(count)
    else:
        scale = constant("scale", [1 / factor], np.float32)
        wide = step(
            "product", "Mul", step("old_double", "Cast", old, to=DOUBLE), constant("factor", [factor], np.float64)
        )
        count = step("count", "Cast", step("floor", "Floor", wide), to=INT64)
        places = numbered(count)
    cells = step("cells", "Cast", step("cells_float", "Floor", step("at", "Mul", places, scale)), to=INT64)
    return step("picked", "Min", cells, step("last", "Sub", old, constant("one", [1], np.int64)))


def _interpolate_by_products(
    builder: Builder, node: Node, value: str, before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    """Cubic interpolation as a product with the matrix of weights along each axis. onnxruntime takes factors that
    leave every size as it is for a copy, and does not load a shrinking `Resize` whose axes it has moved."""
    factors, aligned = node.arguments["scale_factor"], node.arguments["align_corners"]
    matrices: dict[int, Array] = {}
    for axis, (old, new) in enumerate(zip(before, after, strict=True)):
        factor = new / old if factors is None else factors[axis]
        if old == new and (aligned or factor == 1):
            continue
        weights = np.zeros((new, old))
        for row in range(new):
            place = row * (old - 1) / max(new - 1, 1) if aligned else (row + 0.5) / factor - 0.5
            first = math.floor(place)
            for tap, weight in _cubic_taps(place - first):
                weights[row, min(max(first + tap, 0), old - 1)] += weight
        matrices[axis] = weights
    multiply_axes(builder, node, value, matrices, "interpolated")


def _cubic_taps(share: float) -> list[tuple[int, float]]:
    """Neighbours of a place between two cells with their weights: Keys 1981 with a = -0.75."""
    a = -0.75

    def near(x: float) -> float:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: float) -> float:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [(-1, far(share + 1)), (0, near(share)), (1, near(1 - share)), (2, far(2 - share))]


def _single_precision_scale(scale: np.float32, old: int, new: int) -> np.float32:
    """The scale, moved by as little as makes `floor(old * scale)` come out right in single precision
    (PyTorch computes sizes in double precision)."""
    for _ in range(8):
        single = int(np.floor(np.float32(old) * scale))
        double = int(np.floor(old * float(scale)))
        if single == double == new:
            return scale
        scale = np.nextafter(scale, np.float32(np.inf if min(single, double) < new else 0))
    return scale
