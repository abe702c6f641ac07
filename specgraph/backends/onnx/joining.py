"""Joining branches."""

from __future__ import annotations

from specgraph.backends.onnx.builder import FLOAT, FLOAT16, Builder
from specgraph.backends.onnx.lowering import Lower
from specgraph.backends.onnx.resizing import lower_resize_like
from specgraph.graph.model import Node


def lower_concat(builder: Builder, node: Node) -> None:
    """`Concat` along the axis, counted from the front; what has no samples is repeated for each of them."""
    axis = node.arguments["dim"] % (node.output.rank + 1)
    values = builder.inputs(node)
    batched = [kind.batched for kind in node.input_types]
    if any(batched) and not all(batched):
        batch = builder.step(node, "batch", "Shape", [values[batched.index(True)]], start=0, end=1)
        ones = builder.integers(node, "ones", [1] * node.output.rank)
        shape = builder.step(node, "shape", "Concat", [batch, ones], axis=0)
        for index, has_samples in enumerate(batched):
            if not has_samples:
                values[index] = builder.step(node, f"repeated{index}", "Expand", [values[index], shape])
    builder.emit(node, "Concat", values, axis=axis)


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


def lower_max_unpool(builder: Builder, node: Node) -> None:
    """`MaxPool` of the second input for its `Indices`, `MaxUnpool` of the first, which takes float32 alone."""
    value, whole = builder.inputs(node)
    kernel = node.arguments["kernel_size"]
    window = {"kernel_shape": kernel, "strides": kernel}
    _, places = builder.steps(node, ("pooled", "places"), "MaxPool", [whole], **window)
    shape = builder.step(node, "shape", "Shape", [whole])
    if builder.half:
        value = builder.step(node, "wide", "Cast", [value], to=FLOAT)
        wide = builder.step(node, "unpooled", "MaxUnpool", [value, places, shape], **window)
        builder.emit(node, "Cast", [wide], to=FLOAT16)
        return
    builder.emit(node, "MaxUnpool", [value, places, shape], **window)


LOWERINGS: dict[str, Lower] = {
    "concat": lower_concat,
    "add": lower_add,
    "sub": lower_elementwise("Sub"),
    "mul": lower_elementwise("Mul"),
    "resize_like": lower_resize_like,
    "max_unpool": lower_max_unpool,
}
