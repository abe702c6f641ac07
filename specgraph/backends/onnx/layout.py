"""Ops on single axes in ONNX."""

from __future__ import annotations

import numpy as np

from specgraph.backends.onnx.builder import Builder, known, numbers
from specgraph.backends.onnx.lowering import Lower
from specgraph.graph.model import Node

FAR = 2**62
"""Stands for the end of an axis in Slice."""


def lower_select(builder: Builder, node: Node) -> None:
    """`Gather` of one number, which takes the axis away."""
    index = builder.constant(f"{node.path}/index", np.asarray(node.arguments["index"], np.int64))
    builder.emit(node, "Gather", [*builder.inputs(node), index], axis=node.arguments["dim"])


def lower_unflatten(builder: Builder, node: Node) -> None:
    """`Reshape` to numbers where they are known, else to the input's own sizes around the parts."""
    (value,) = builder.inputs(node)
    dims, dim = node.output.dims, node.arguments["dim"]
    if known(dims):
        shape = builder.integers(node, "shape", [0, *numbers(dims)])
    else:
        before = builder.step(node, "before", "Shape", [value], start=0, end=dim)
        parts = builder.integers(node, "parts", node.arguments["sizes"])
        after = builder.step(node, "after", "Shape", [value], start=dim + 1)
        shape = builder.step(node, "shape", "Concat", [before, parts, after], axis=0)
    builder.emit(node, "Reshape", [value, shape])


def lower_roll(builder: Builder, node: Node) -> None:
    """Along each axis the last values before the others: two of `Slice`, one `Concat`."""
    (value,) = builder.inputs(node)
    moved = [pair for pair in zip(node.arguments["shifts"], node.arguments["dims"], strict=True) if pair[0]]
    value = roll(builder, node, value, moved[:-1])
    if moved:
        builder.emit(node, "Concat", ends(builder, node, value, *moved[-1]), axis=moved[-1][1])
    else:
        builder.emit(node, "Identity", [value])


def roll(builder: Builder, node: Node, value: str, moved: list[tuple[int, int]], label: str = "rolled") -> str:
    """The name of a value rolled by (shift, axis), one after another."""
    for number, (shift, axis) in enumerate(moved):
        parts = ends(builder, node, value, shift, axis, f"{label}{number}")
        value = builder.step(node, f"{label}{number}", "Concat", parts, axis=axis)
    return value


def ends(builder: Builder, node: Node, value: str, shift: int, axis: int, label: str = "rolled") -> list[str]:
    """The last `shift` values along an axis, and the others; a free size may be smaller than the shift."""
    axes = builder.integers(node, f"{label}/axis", [axis])
    if isinstance(node.output.dims[axis - 1], int) or abs(shift) == 1:
        cut = builder.integers(node, f"{label}/cut", [-shift])
    else:
        size = builder.step(node, f"{label}/size", "Shape", [value], start=axis, end=axis + 1)
        wanted = builder.integers(node, f"{label}/shift", [shift])
        within = builder.step(node, f"{label}/within", "Mod", [wanted, size])
        cut = builder.step(node, f"{label}/cut", "Sub", [size, within])
    start = builder.integers(node, f"{label}/start", [0])
    end = builder.integers(node, f"{label}/end", [FAR])
    return [
        builder.step(node, f"{label}/last", "Slice", [value, cut, end, axes]),
        builder.step(node, f"{label}/first", "Slice", [value, start, cut, axes]),
    ]


def lower_expand(builder: Builder, node: Node) -> None:
    """`Expand`; of the axes that stay, and of the batch, a size of 1 says that they do."""
    sizes = [1 if size == -1 else size for size in node.arguments["sizes"]]
    builder.emit(node, "Expand", [*builder.inputs(node), builder.integers(node, "sizes", [1, *sizes])])


LOWERINGS: dict[str, Lower] = {
    "select": lower_select,
    "unflatten": lower_unflatten,
    "roll": lower_roll,
    "expand": lower_expand,
}
