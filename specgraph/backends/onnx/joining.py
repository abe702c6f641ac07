"""Joining branches."""

from __future__ import annotations

from specgraph.backends.onnx.builder import Builder
from specgraph.backends.onnx.lowering import Lower
from specgraph.graph.model import Node


def lower_concat(builder: Builder, node: Node) -> None:
    """`Concat` along the axis, counted from the front."""
    axis = node.arguments["dim"] % (node.output.rank + 1)
    builder.emit(node, "Concat", (), axis=axis)


def lower_elementwise(op_type: str) -> Lower:
    """A binary ONNX op, chained from the left over all inputs."""

    def lower(builder: Builder, node: Node) -> None:
        first, *middle, last = builder.inputs(node)
        for index, value in enumerate(middle):
            first = builder.step(node, f"{op_type.lower()}{index}", op_type, [first, value])
        builder.emit(node, op_type, [first, last])

    return lower


def lower_add(builder: Builder, node: Node) -> None:
    """`Add` of two inputs, `Sum` of more."""
    builder.emit(node, "Add" if len(node.inputs) == 2 else "Sum")


LOWERINGS: dict[str, Lower] = {
    "concat": lower_concat,
    "add": lower_add,
    "sub": lower_elementwise("Sub"),
    "mul": lower_elementwise("Mul"),
}
