"""Dense layers."""

from __future__ import annotations

from specgraph.backends.onnx.builder import Builder, known, numbers
from specgraph.backends.onnx.lowering import Lower
from specgraph.graph.model import Node


def lower_linear(builder: Builder, node: Node) -> None:
    """`Gemm` on vectors; over more axes, which `Gemm` does not take, `MatMul` and `Add`."""
    value = builder.inputs(node)[0]
    has_bias = builder.has_parameter(node, "bias")
    if node.input_types[0].rank == 1:
        bias = [builder.parameter(node, "bias")] if has_bias else []
        builder.emit(node, "Gemm", [value, builder.parameter(node, "weight"), *bias], transB=1)
        return
    weight = builder.parameter(node, "weight", lambda array: array.T, "transposed")
    if not has_bias:
        builder.emit(node, "MatMul", [value, weight])
        return
    product = builder.step(node, "product", "MatMul", [value, weight])
    builder.emit(node, "Add", [product, builder.parameter(node, "bias")])


def lower_flatten(builder: Builder, node: Node) -> None:
    """`Flatten` of all axes; `Reshape` where only some are merged, its target computed from `Shape` where
    sizes after them are free."""
    kind = node.input_types[0]
    rank = kind.rank + 1
    start, end = (node.arguments[name] % rank for name in ("start_dim", "end_dim"))
    if start == 1 and end == rank - 1:
        builder.emit(node, "Flatten", (), axis=1)
        return
    dims = kind.dims
    value = builder.inputs(node)[0]
    kept_behind = dims[end:]
    if known(kept_behind):
        shape = builder.integers(node, "shape", [*[0] * start, -1, *numbers(kept_behind)])
    else:
        parts = [builder.integers(node, "front", [*[0] * start, -1])]
        parts.append(builder.step(node, "behind", "Shape", [value], start=end + 1))
        shape = builder.step(node, "shape", "Concat", parts, axis=0)
    builder.emit(node, "Reshape", [value, shape])


LOWERINGS: dict[str, Lower] = {"linear": lower_linear, "flatten": lower_flatten}
