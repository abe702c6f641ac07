"""Products, factors and norms in ONNX."""

from __future__ import annotations

from specgraph.backends.onnx.builder import FLOAT, FLOAT16, Builder
from specgraph.backends.onnx.lowering import Lower
from specgraph.graph.model import Node


def lower_matmul(builder: Builder, node: Node) -> None:
    """`MatMul`."""
    builder.emit(node, "MatMul")


def lower_extreme(op_type: str) -> Lower:
    """`Max` or `Min`."""

    def lower(builder: Builder, node: Node) -> None:
        builder.emit(node, op_type)

    return lower


def lower_affine(builder: Builder, node: Node) -> None:
    """`Mul` and `Add`, each if it does something."""
    (value,) = builder.inputs(node)
    scale, shift = node.arguments["scale"], node.arguments["shift"]
    if shift and scale != 1:
        value = builder.step(node, "scaled", "Mul", [value, builder.floats(node, "scale", scale)])
    if shift:
        builder.emit(node, "Add", [value, builder.floats(node, "shift", shift)])
    elif scale != 1:
        builder.emit(node, "Mul", [value, builder.floats(node, "scale", scale)])
    else:
        builder.emit(node, "Identity", [value])


def lower_normalize(builder: Builder, node: Node) -> None:
    """The norm, at least `eps`, in float32: `LpNormalization` has no `eps`, which half precision takes for zero."""
    (value,) = builder.inputs(node)
    wide = builder.step(node, "wide", "Cast", [value], to=FLOAT) if builder.half else value
    op, axis = f"ReduceL{node.arguments['p']}", node.arguments["dim"]
    if builder.opset >= 18:
        norm = builder.step(node, "norm", op, [wide, builder.integers(node, "axes", [axis])], keepdims=1)
    else:
        norm = builder.step(node, "norm", op, [wide], axes=[axis], keepdims=1)
    least = builder.wide_floats(node, "eps", node.arguments["eps"])
    held = builder.step(node, "held", "Max", [norm, least])
    if builder.half:
        quotient = builder.step(node, "unit", "Div", [wide, held])
        builder.emit(node, "Cast", [quotient], to=FLOAT16)
        return
    builder.emit(node, "Div", [wide, held])


LOWERINGS: dict[str, Lower] = {
    "matmul": lower_matmul,
    "affine": lower_affine,
    "maximum": lower_extreme("Max"),
    "minimum": lower_extreme("Min"),
    "normalize": lower_normalize,
}
