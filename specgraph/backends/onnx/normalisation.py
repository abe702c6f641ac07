"""Normalisation."""

from __future__ import annotations

import math

import numpy as np

from specgraph.backends.onnx.builder import FLOAT, FLOAT16, Builder, Inexpressible, known, numbers
from specgraph.backends.onnx.lowering import Lower
from specgraph.graph.model import Node


def lower_lrn(builder: Builder, node: Node) -> None:
    """PyTorch and ONNX both divide `alpha` by `size`; ONNX's window of an even size leans backwards,
    PyTorch's forwards, so that one is always composed."""
    arguments = node.arguments
    size, kind = arguments["size"], node.input_types[0]
    if size % 2 == 0 or builder.composed_lrn:
        _compose_lrn(builder, node)
        return
    constants = {key: float(arguments[key]) for key in ("alpha", "beta")}
    value = builder.inputs(node)[0]
    if kind.rank == 3:
        builder.emit(node, "LRN", (), size=size, bias=float(arguments["k"]), **constants)
        return
    flat = builder.step(node, "map", "Reshape", [value, builder.integers(node, "map/shape", [0, 0, -1, 1])])
    normalised = builder.step(node, "lrn", "LRN", [flat], size=size, bias=float(arguments["k"]), **constants)
    builder.emit(node, "Reshape", [normalised, _shape_of(builder, node, value)])


def _compose_lrn(builder: Builder, node: Node) -> None:
    """The window over channels is a convolution along the axis they are laid on. `alpha / size` goes
    in before the square, which half precision could not hold, and `k` is the convolution's bias."""
    arguments, value = node.arguments, builder.inputs(node)[0]
    size = arguments["size"]
    scaled = builder.step(node, "scaled", "Mul", [value, builder.floats(node, "alpha", arguments["alpha"] / size)])
    squares = builder.step(node, "square", "Mul", [value, scaled])
    sums = builder.step(
        node,
        "sum",
        "Conv",
        [
            _column(builder, node, squares),
            builder.floats(node, "window", np.ones((1, 1, size, 1))),
            builder.floats(node, "k", [arguments["k"]]),
        ],
        kernel_shape=[size, 1],
        pads=[size // 2, 0, (size - 1) // 2, 0],
    )
    powers = builder.step(node, "divisor", "Reshape", [_power(builder, node, sums), _shape_of(builder, node, value)])
    builder.emit(node, "Div", [value, powers])


def _column(builder: Builder, node: Node, value: str) -> str:
    """A map as one channel of its channels, one below the other, of a free number too: `(N, 1, C, positions)`."""
    channels = node.input_types[0].dims[0]
    if isinstance(channels, int):
        shape = builder.integers(node, "column/shape", [0, 1, channels, -1])
        return builder.step(node, "column", "Reshape", [value, shape])
    flat = builder.step(node, "flat", "Reshape", [value, builder.integers(node, "flat/shape", [0, 0, -1])])
    return builder.step(node, "column", "Unsqueeze", [flat, builder.integers(node, "column/axis", [1])])


def _power(builder: Builder, node: Node, value: str) -> str:
    """`value ** beta`: by roots where they will do, which take a fraction of the time of `Pow`."""
    beta = node.arguments["beta"]
    if beta == 1:
        return value
    if beta not in (0.5, 0.75):
        return builder.step(node, "power", "Pow", [value, builder.floats(node, "beta", beta)])
    root = builder.step(node, "root", "Sqrt", [value])
    if beta == 0.5:
        return root
    return builder.step(node, "power", "Mul", [root, builder.step(node, "fourth_root", "Sqrt", [root])])


def lower_batch_norm(builder: Builder, node: Node) -> None:
    """`BatchNormalization` with the running statistics, ones and zeros for a scale and shift it lacks.
    Raises `Inexpressible` where there are no statistics."""
    if not builder.has_parameter(node, "running_mean"):
        raise Inexpressible(
            "`batch_norm` without running statistics normalises by the batch it is given, also at inference",
            "keep `track_running_stats: true`",
        )
    builder.emit(
        node,
        "BatchNormalization",
        [
            *builder.inputs(node),
            *_scale_and_shift(builder, node),
            builder.parameter(node, "running_mean"),
            builder.parameter(node, "running_var"),
        ],
        epsilon=float(node.arguments["eps"]),
    )


def lower_instance_norm(builder: Builder, node: Node) -> None:
    """`InstanceNormalization`; with running statistics it is a batch normalisation."""
    if builder.has_parameter(node, "running_mean"):
        lower_batch_norm(builder, node)
        return
    inputs = [*builder.inputs(node), *_scale_and_shift(builder, node)]
    builder.emit(node, "InstanceNormalization", inputs, epsilon=float(node.arguments["eps"]))


FEWEST_FOR_NATIVE = 16
"""Values of a group from which on `GroupNormalization` is written. Its variance is the mean of squares
minus the square of the mean, which cancels away for a few nearly equal values."""


def lower_group_norm(builder: Builder, node: Node) -> None:
    """`GroupNormalization` from opset 21 on, whose scale and shift are per channel. Else, and over few
    values, `InstanceNormalization` with a group laid out as one channel, then `Mul` and `Add`."""
    arguments = node.arguments
    groups, eps = arguments["num_groups"], float(arguments["eps"])
    kind = node.input_types[0]
    (channels,) = numbers(kind.dims[:1])
    value = builder.inputs(node)[0]
    few = known(kind.dims) and math.prod(numbers(kind.dims)) // groups < FEWEST_FOR_NATIVE
    if builder.opset >= 21 and kind.rank > 1 and not few:
        inputs = [value, *_scale_and_shift(builder, node)]
        builder.emit(node, "GroupNormalization", inputs, num_groups=groups, epsilon=eps)
        return
    rows = builder.integers(node, "groups/shape", [0, groups, -1])
    grouped = builder.step(node, "groups", "Reshape", [value, rows])
    ones = builder.floats(node, "ones", np.ones(groups))
    zeros = builder.floats(node, "zeros", np.zeros(groups))
    normal = builder.step(node, "normal", "InstanceNormalization", [grouped, ones, zeros], epsilon=eps)
    shape = _shape_of(builder, node, value)
    if not builder.has_parameter(node, "weight"):
        builder.emit(node, "Reshape", [normal, shape])
        return
    normal = builder.step(node, "ungrouped", "Reshape", [normal, shape])
    column = (channels, *(1,) * (kind.rank - 1))
    scale = builder.parameter(node, "weight", lambda array: array.reshape(column), "column")
    if not builder.has_parameter(node, "bias"):
        builder.emit(node, "Mul", [normal, scale])
        return
    scaled = builder.step(node, "scaled", "Mul", [normal, scale])
    builder.emit(node, "Add", [scaled, builder.parameter(node, "bias", lambda a: a.reshape(column), "column")])


def lower_layer_norm(builder: Builder, node: Node) -> None:
    """Axes that are not the last ones are brought there and back."""
    kind = node.input_types[0]
    rank = kind.rank + 1
    axes = [axis % rank for axis in node.arguments["axes"]]
    others = [axis for axis in range(rank) if axis not in axes]
    order = others + axes
    first = rank - len(axes)
    value = builder.inputs(node)[0]
    moved = order != list(range(rank))
    if moved:
        value = builder.step(node, "to_last", "Transpose", [value], perm=order)
    shape = tuple(kind.dims[axis - 1] for axis in axes)
    if builder.has_parameter(node, "weight"):
        inputs = [value, builder.parameter(node, "weight")]
        if builder.has_parameter(node, "bias"):
            inputs.append(builder.parameter(node, "bias"))
    elif known(shape):
        inputs = [value, builder.floats(node, "ones", np.ones(numbers(shape)))]
    else:
        inputs = [value, builder.floats(node, "ones", np.ones((1,) * len(axes)))]
    attributes = {"axis": first, "epsilon": float(node.arguments["eps"])}
    if not moved:
        builder.emit(node, "LayerNormalization", inputs, **attributes)
        return
    normal = builder.step(node, "normal", "LayerNormalization", inputs, **attributes)
    builder.emit(node, "Transpose", [normal], perm=[order.index(axis) for axis in range(rank)])


def lower_rms_norm(builder: Builder, node: Node) -> None:
    """From primitive nodes, which every opset and every runtime has."""
    kind = node.input_types[0]
    axes, eps = list(node.arguments["axes"]), node.arguments["eps"]
    (value,) = builder.inputs(node)
    if builder.half:  # squares of half-precision numbers overflow beyond 256
        value = builder.step(node, "float", "Cast", [value], to=FLOAT)
    square = builder.step(node, "square", "Mul", [value, value])
    if builder.opset >= 18:
        mean = builder.step(node, "mean", "ReduceMean", [square, builder.integers(node, "axes", axes)], keepdims=1)
    else:
        mean = builder.step(node, "mean", "ReduceMean", [square], axes=axes, keepdims=1)
    step = np.finfo(np.float16 if builder.half else np.float32).eps if eps is None else eps
    constant = builder.constant(f"{node.path}/eps", np.asarray(step, np.float32))
    root = builder.step(node, "root", "Sqrt", [builder.step(node, "shifted", "Add", [mean, constant])])
    weighted = builder.has_parameter(node, "weight")
    if not weighted and not builder.half:
        builder.emit(node, "Div", [value, root])
        return
    normal = builder.step(node, "normal", "Div", [value, root])
    if builder.half and not weighted:
        builder.emit(node, "Cast", [normal], to=FLOAT16)
        return
    if builder.half:
        normal = builder.step(node, "half", "Cast", [normal], to=FLOAT16)
    if axes[-1] == kind.rank:
        weight = builder.parameter(node, "weight")
    else:
        column = (-1, *(1,) * (kind.rank - 1))
        weight = builder.parameter(node, "weight", lambda array: array.reshape(column), "column")
    builder.emit(node, "Mul", [normal, weight])


def _scale_and_shift(builder: Builder, node: Node) -> list[str]:
    (channels,) = numbers(node.input_types[0].dims[:1])
    names = []
    for name, neutral in (("weight", np.ones), ("bias", np.zeros)):
        if builder.has_parameter(node, name):
            names.append(builder.parameter(node, name))
        else:
            names.append(builder.floats(node, name, neutral(channels)))
    return names


def _shape_of(builder: Builder, node: Node, value: str) -> str:
    """The shape of `value` as an input for Reshape: constant where its sizes are numbers."""
    dims = node.input_types[0].dims
    if known(dims):
        return builder.integers(node, "shape", [0, *numbers(dims)])
    return builder.step(node, "shape", "Shape", [value])


LOWERINGS: dict[str, Lower] = {
    "lrn": lower_lrn,
    "batch_norm": lower_batch_norm,
    "layer_norm": lower_layer_norm,
    "rms_norm": lower_rms_norm,
    "group_norm": lower_group_norm,
    "instance_norm": lower_instance_norm,
}
