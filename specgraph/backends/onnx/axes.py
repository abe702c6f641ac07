"""Products with a matrix along single axes: what pooling and resizing come down to where ONNX's own
operators mean something else."""

from __future__ import annotations

from collections.abc import Callable

from specgraph.backends.onnx.builder import Array, Builder
from specgraph.graph.model import Node


def multiply_axes(builder: Builder, node: Node, value: str, matrices: dict[int, Array], label: str) -> None:
    """A product with a matrix (new, old) along each of some spatial axes."""
    rank = node.output.rank - 1
    builder.disguised.add(node.path)
    for axis, weights in matrices.items():
        emit = _finish(builder, node) if axis == max(matrices) else _go_on(builder, node, f"{label}{axis}")
        if axis == rank - 1:
            value = emit("MatMul", [value, builder.floats(node, f"weights{axis}", weights.T)], {})
            continue
        matrix = builder.floats(node, f"weights{axis}", weights)
        if axis == rank - 2:
            value = emit("MatMul", [matrix, value], {})
            continue
        order = [0, 1, 3, 2, 4]  # (N, C, D, H, W): D next to last and back
        turned = builder.step(node, f"turned{axis}", "Transpose", [value], perm=order)
        product = builder.step(node, f"product{axis}", "MatMul", [matrix, turned])
        value = emit("Transpose", [product], {"perm": order})


Emit = Callable[[str, list[str], dict[str, list[int]]], str]


def _finish(builder: Builder, node: Node) -> Emit:
    def emit(op_type: str, inputs: list[str], attributes: dict[str, list[int]]) -> str:
        builder.emit(node, op_type, inputs, **attributes)
        return builder.value(node.path)

    return emit


def _go_on(builder: Builder, node: Node, label: str) -> Emit:
    return lambda op_type, inputs, attributes: builder.step(node, label, op_type, inputs, **attributes)
