"""Activations."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from specgraph.backends.onnx.builder import FLOAT, FLOAT16, Builder
from specgraph.backends.onnx.lowering import Lower
from specgraph.graph.model import Node


def with_attributes(op_type: str, attributes: Callable[[dict[str, float]], dict[str, float | int]]) -> Lower:
    """The ONNX op of that name, its attributes computed from the arguments."""

    def lower(builder: Builder, node: Node) -> None:
        builder.emit(node, op_type, (), **attributes(node.arguments))

    return lower


def lower_clip(low: Callable[[dict[str, float]], float], high: Callable[[dict[str, float]], float]) -> Lower:
    """`Clip` between two bounds computed from the arguments."""

    def lower(builder: Builder, node: Node) -> None:
        least = builder.floats(node, "min", low(node.arguments))
        most = builder.floats(node, "max", high(node.arguments))
        builder.emit(node, "Clip", [*builder.inputs(node), least, most])

    return lower


def lower_clamp(builder: Builder, node: Node) -> None:
    """`Clip`, with the bounds that there are."""
    bounds = [node.arguments["min"], node.arguments["max"]]
    inputs = [*builder.inputs(node)]
    for name, bound in zip(("min", "max"), bounds, strict=True):
        inputs.append("" if bound is None else builder.floats(node, name, bound))
    builder.emit(node, "Clip", inputs if inputs[-1] else inputs[:-1])


def lower_prelu(builder: Builder, node: Node) -> None:
    """`PRelu`, its slopes laid along the channels: ONNX lines axes up from the last one."""
    ones = (1,) * (node.input_types[0].rank - 1)
    slope = builder.parameter(node, "weight", lambda array: array.reshape(-1, *ones))
    builder.emit(node, "PRelu", [*builder.inputs(node), slope])


def lower_mish(builder: Builder, node: Node) -> None:
    """`Mish`, and below opset 18 what it stands for: `Softplus`, `Tanh`, `Mul`."""
    if builder.opset >= 18:
        builder.emit(node, "Mish")
        return
    (value,) = builder.inputs(node)
    smooth = builder.step(node, "softplus", "Softplus", [value])
    builder.emit(node, "Mul", [value, builder.step(node, "tanh", "Tanh", [smooth])])


def lower_gelu(builder: Builder, node: Node) -> None:
    """`Gelu`, and below opset 20 what it stands for, by `Erf` or by `Tanh`."""
    approximate = node.arguments["approximate"]
    if builder.opset >= 20:
        attributes = {"approximate": approximate} if approximate != "none" else {}
        builder.emit(node, "Gelu", (), **attributes)
        return
    (value,) = builder.inputs(node)
    one, half = builder.floats(node, "one", 1.0), builder.floats(node, "half", 0.5)
    if approximate == "tanh":
        square = builder.step(node, "square", "Mul", [value, value])
        cube = builder.step(node, "cube", "Mul", [square, value])
        small = builder.step(node, "small", "Mul", [cube, builder.floats(node, "coefficient", 0.044715)])
        total = builder.step(node, "total", "Add", [value, small])
        scale = builder.floats(node, "scale", math.sqrt(2 / math.pi))
        bell = builder.step(node, "tanh", "Tanh", [builder.step(node, "scaled", "Mul", [total, scale])])
    else:
        scale = builder.floats(node, "scale", math.sqrt(2))
        bell = builder.step(node, "erf", "Erf", [builder.step(node, "scaled", "Div", [value, scale])])
    share = builder.step(node, "share", "Add", [bell, one])
    product = builder.step(node, "product", "Mul", [value, share])
    builder.emit(node, "Mul", [product, half])


def lower_softplus(builder: Builder, node: Node) -> None:
    """`Softplus` of the input times `beta`, over `beta`. PyTorch goes straight on beyond `threshold`;
    from 15 on that is the curve itself in single precision, below it is a `Where`."""
    beta = float(node.arguments["beta"])
    threshold = float(node.arguments["threshold"])
    (value,) = builder.inputs(node)
    if threshold < 15:  # the straight line begins where the curve is still to be told from it
        factor = builder.floats(node, "beta", beta)
        scaled = builder.step(node, "scaled", "Mul", [value, factor])
        smooth = builder.step(node, "softplus", "Softplus", [scaled])
        curve = builder.step(node, "curve", "Div", [smooth, factor])
        limit = builder.floats(node, "threshold", threshold)
        straight = builder.step(node, "beyond", "Greater", [scaled, limit])
        builder.emit(node, "Where", [straight, value, curve])
        return
    if beta == 1:
        builder.emit(node, "Softplus")
        return
    factor = builder.floats(node, "beta", beta)
    scaled = builder.step(node, "scaled", "Mul", [value, factor])
    builder.emit(node, "Div", [builder.step(node, "softplus", "Softplus", [scaled]), factor])


def lower_celu(builder: Builder, node: Node) -> None:
    """`Celu` takes float32 only."""
    alpha = float(node.arguments["alpha"])
    if not builder.half:
        builder.emit(node, "Celu", (), alpha=alpha)
        return
    wide = builder.step(node, "float", "Cast", builder.inputs(node), to=FLOAT)
    builder.emit(node, "Cast", [builder.step(node, "celu", "Celu", [wide], alpha=alpha)], to=FLOAT16)


def lower_glu(builder: Builder, node: Node) -> None:
    """Two halves: `Split` counts them itself, so that the size may stay free."""
    count = {"num_outputs": 2} if builder.opset >= 18 else {}
    halves, axis = ("value", "gate"), node.arguments["dim"]
    value, gate = builder.steps(node, halves, "Split", builder.inputs(node), axis=axis, **count)
    builder.emit(node, "Mul", [value, builder.step(node, "sigmoid", "Sigmoid", [gate])])


LOWERINGS: dict[str, Lower] = {
    "relu6": lower_clip(lambda _: 0.0, lambda _: 6.0),
    "clamp": lower_clamp,
    "hardtanh": lower_clip(lambda a: a["min_val"], lambda a: a["max_val"]),
    "prelu": lower_prelu,
    "celu": lower_celu,
    "gelu": lower_gelu,
    "hardsigmoid": with_attributes("HardSigmoid", lambda _: {"alpha": float(np.float32(1 / 6)), "beta": 0.5}),
    "softplus": lower_softplus,
    "mish": lower_mish,
    "glu": lower_glu,
}
