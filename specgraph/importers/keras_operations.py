"""Operations between layers: those of `keras.ops`, and what Keras 2 writes of TensorFlow's functions (`TFOpLambda`)."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose
from typing import Any

import numpy as np

from specgraph.importers.flat import Refusal
from specgraph.importers.keras_activations import apply, rectified
from specgraph.importers.keras_calls import LayerCall, Value, real
from specgraph.importers.keras_merges import alike, concatenated, extreme, joined
from specgraph.importers.keras_model import Constant
from specgraph.importers.keras_norms import along_axis
from specgraph.importers.keras_shapes import permuted, reshaped

Read = Callable[[LayerCall], Value]
NAMES = {"x1": 0, "x2": 1, "x": 0, "y": 1, "a": 0, "b": 1}
SIXTH = 1 / 6


def _operands(call: LayerCall) -> tuple[Any, Any]:
    """What a function of two reads, each a value, a number or a constant. Raises `Refusal`."""
    listed = list(call.args)
    for name, place in NAMES.items():
        if name in call.kwargs:
            listed[place:place] = [call.kwargs[name]]
    if len(listed) == 1 and isinstance(listed[0], list):
        listed = listed[0]
    if len(listed) != 2:
        raise Refusal(f"it reads {len(listed)} operands, and two are expected")
    return listed[0], listed[1]


def option(call: LayerCall, name: str, default: Any = None) -> Any:
    """An argument of the call, or a setting of the operation."""
    found = call.kwargs.get(name)
    return call.get(name, default) if found is None else found


def binary(op: str) -> Read:
    """A sum, difference, product or quotient of two values, or of one and a number or a constant."""

    def read(call: LayerCall) -> Value:
        first, second = _operands(call)
        if isinstance(first, Value) and isinstance(second, Value):
            if op == "div":
                raise Refusal("no op divides a value by another")
            values = [first, second] if first == second else alike(call, [first, second], numpy=True)
            return joined(call, op, values)
        turned = not isinstance(first, Value)
        value, other = (second, first) if turned else (first, second)
        if not isinstance(value, Value):
            raise Refusal("it reads no value of the network")
        if isinstance(other, Constant | list):
            return _with_array(call, op, value, other, turned)
        return _with_number(call, op, value, real(other, "operand"), turned)

    return read


def _with_number(call: LayerCall, op: str, value: Value, number: float, turned: bool) -> Value:
    if op == "mul" and (whole := _hard_sigmoid(call, value, number)):
        return whole
    if op == "div" and turned:
        value = value._replace(path=call.add("reciprocal", [value], part="" if number == 1 else "_reciprocal"))
        return value if number == 1 else value._replace(path=call.add("affine", [value], {"scale": number}))
    if op == "div" and number == 0:
        raise Refusal("it divides by 0")
    arguments = {
        "add": {"shift": number},
        "sub": {"scale": -1, "shift": number} if turned else {"shift": -number},
        "mul": {"scale": number},
        "div": {"scale": 1 / number if op == "div" else 1},
    }[op]
    return value._replace(path=call.add("affine", [value], arguments))


def _hard_sigmoid(call: LayerCall, value: Value, factor: float) -> Value | None:
    """`relu6(x + 3) / 6`, as MobileNetV3 writes it."""
    six = call.net.nodes.get(value.path)
    line = call.net.nodes.get(six.inputs[0]) if six is not None and six.op == "relu6" else None
    if (
        line is None
        or line.op != "affine"
        or line.arguments != {"shift": 3}
        or not isclose(factor, SIXTH, rel_tol=1e-6)
    ):
        return None
    source = Value(line.inputs[0], value.order, value.pieces)
    return value._replace(path=call.add("hardsigmoid", [source]))


def _with_array(call: LayerCall, op: str, value: Value, other: Any, turned: bool) -> Value:
    try:
        array = np.asarray(other.values if isinstance(other, Constant) else other, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise Refusal("it reads a constant that is not an array of numbers") from None
    if array.size == 1:
        return _with_number(call, op, value, real(float(array.reshape(-1)[0]), "operand"), turned)
    if array.size != array.shape[-1] or not np.isfinite(array).all() or (turned and op in ("sub", "div")):
        raise Refusal(f"its constant is {'x'.join(map(str, array.shape))}, and one number for each channel is expected")
    if op == "div":
        op, array = "mul", 1 / array
    return along_axis(call, op, value, array, len(value.order) - 1, "constant")


def power(call: LayerCall) -> Value:
    first, exponent = _operands(call)
    if isinstance(first, Value) and exponent == 2:
        return joined(call, "mul", [first, first])
    if isinstance(first, Value) and exponent == 0.5:
        return first._replace(path=call.add("sqrt", [first]))
    raise Refusal("no op computes its power")


def square(call: LayerCall) -> Value:
    value = call.input()
    return joined(call, "mul", [value, value])


def one(op: str, **arguments: Any) -> Read:
    """A function of one value that an op says."""

    def read(call: LayerCall) -> Value:
        value = call.input()
        return value._replace(path=call.add(op, [value], arguments))

    return read


def word(name: str) -> Read:
    """An activation by its word."""

    def read(call: LayerCall) -> Value:
        for key in ("negative_slope", "alpha", "threshold", "axis"):
            found, usual = option(call, key), {"axis": -1, "negative_slope": 0.2, "alpha": 1.0, "threshold": 0.5}[key]
            if found is not None and found != usual:
                raise Refusal(f"`{key}: {str(found)[:40]}` of this function is not read")
        return apply(call, call.input(), name)

    return read


def gelu(call: LayerCall) -> Value:
    approximate = option(call, "approximate", True)
    value = call.input()
    return value._replace(path=call.add("gelu", [value], {"approximate": "tanh" if approximate is True else "none"}))


def relu(call: LayerCall) -> Value:
    slope = option(call, "negative_slope", option(call, "alpha", 0.0))
    limit, start = option(call, "max_value"), option(call, "threshold", 0.0)
    return rectified(call, call.input(), limit, real(slope, "negative_slope"), real(start, "threshold"))


def clip(call: LayerCall) -> Value:
    least = option(call, "x_min", option(call, "clip_value_min"))
    most = option(call, "x_max", option(call, "clip_value_max"))
    value = call.input()
    return value._replace(path=call.add("clamp", [value], {"min": real(least, "x_min"), "max": real(most, "x_max")}))


def mean(call: LayerCall) -> Value:
    value, rank = call.input(), len(call.input().order)
    value = call.settled(value)
    found = option(call, "axis")
    if found is None:
        raise Refusal("it takes the mean over the batch axis")
    axes = sorted({call.axis(axis, rank) for axis in (found if isinstance(found, list) else [found])})
    keep = option(call, "keepdims", False) is True
    path = call.add("mean", [value], {"dim": sorted(call.dim(value, axis) for axis in axes), "keepdim": keep})
    if keep:
        return value._replace(path=path)
    left = [axis for axis in value.order if axis not in axes]
    if not left:
        raise Refusal("it leaves one number for each sample")
    return Value(path, tuple(sorted(left).index(axis) for axis in left))


def concat(call: LayerCall) -> Value:
    axis = option(call, "axis", 0)
    values = call.inputs()
    return concatenated(call, values, call.axis(axis, len(values[0].order)))


def reshape(call: LayerCall) -> Value:
    found = option(call, "newshape", option(call, "shape", call.args[1] if len(call.args) > 1 else None))
    if (
        not isinstance(found, list)
        or any(size is not None and type(size) is not int for size in found)
        or len(found) < 2
    ):
        raise Refusal("its new shape is not written in numbers")
    if found[0] not in (-1, None):
        raise Refusal("it fixes the batch axis")
    if None in found[1:]:
        raise Refusal("its new shape has a free size")
    return reshaped(call, call.input(), found[1:])


def transpose(call: LayerCall) -> Value:
    found = option(call, "axes", option(call, "perm"))
    value = call.input()
    if not isinstance(found, list) or sorted(map(str, found)) != [str(axis) for axis in range(len(value.order) + 1)]:
        raise Refusal("its order of axes is not written")
    if found[0] != 0:
        raise Refusal("it moves the batch axis")
    return permuted(value, [axis - 1 for axis in found[1:]])


ACTIVATIONS = {
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Elu": "elu",
    "Selu": "selu",
    "HardSigmoid": "hard_sigmoid",
    "Mish": "mish",
    "HardSilu": "hard_silu",
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "LeakyRelu": "leaky_relu",
    "HardTanh": "hard_tanh",
    "LogSigmoid": "log_sigmoid",
}
"""Activations as operations: the words that they are as functions."""
KERAS: dict[str, Read] = {
    "Add": binary("add"),
    "Subtract": binary("sub"),
    "Multiply": binary("mul"),
    "Divide": binary("div"),
    "TrueDivide": binary("div"),
    "Power": power,
    "Square": square,
    "Negative": one("affine", scale=-1),
    "Absolute": one("abs"),
    "Abs": one("abs"),
    "Exp": one("exp"),
    "Log": one("log"),
    "Sqrt": one("sqrt"),
    "Reciprocal": one("reciprocal"),
    "Erf": one("erf"),
    "Maximum": extreme("maximum"),
    "Minimum": extreme("minimum"),
    "Clip": clip,
    "Mean": mean,
    "Concatenate": concat,
    "Reshape": reshape,
    "Transpose": transpose,
    "Identity": lambda call: call.input(),
    "ReLU": relu,
    "Relu": relu,
    "Gelu": gelu,
    **{name: word(activation) for name, activation in ACTIVATIONS.items()},
}
"""Operations of `keras.ops` by the name of their class."""

TENSORFLOW: dict[str, Read] = {
    **dict.fromkeys(("math.add", "__operators__.add", "add"), binary("add")),
    **dict.fromkeys(("math.subtract", "__operators__.sub", "subtract"), binary("sub")),
    **dict.fromkeys(("math.multiply", "__operators__.mul", "multiply"), binary("mul")),
    **dict.fromkeys(("math.divide", "math.truediv", "__operators__.truediv", "divide"), binary("div")),
    **dict.fromkeys(("math.reduce_mean", "reduce_mean"), mean),
    **dict.fromkeys(("math.pow", "pow"), power),
    **dict.fromkeys(("math.square", "square"), square),
    **dict.fromkeys(("math.negative", "negative"), one("affine", scale=-1)),
    **dict.fromkeys(("math.abs", "abs"), one("abs")),
    **dict.fromkeys(("math.exp", "exp"), one("exp")),
    **dict.fromkeys(("math.log",), one("log")),
    **dict.fromkeys(("math.sqrt", "sqrt"), one("sqrt")),
    **dict.fromkeys(("math.maximum", "maximum"), extreme("maximum")),
    **dict.fromkeys(("math.minimum", "minimum"), extreme("minimum")),
    **dict.fromkeys(("clip_by_value",), clip),
    **dict.fromkeys(("concat",), concat),
    **dict.fromkeys(("reshape",), reshape),
    **dict.fromkeys(("transpose", "compat.v1.transpose"), transpose),
    **dict.fromkeys(("identity",), lambda call: call.input()),
    **dict.fromkeys(("nn.relu",), word("relu")),
    **dict.fromkeys(("nn.relu6",), word("relu6")),
    **dict.fromkeys(("nn.silu", "nn.swish"), word("silu")),
    **dict.fromkeys(("nn.elu",), word("elu")),
    **dict.fromkeys(("nn.selu",), word("selu")),
    **dict.fromkeys(("nn.softmax",), word("softmax")),
    **dict.fromkeys(("math.softplus", "nn.softplus"), word("softplus")),
    **dict.fromkeys(("nn.sigmoid", "math.sigmoid", "sigmoid"), word("sigmoid")),
    **dict.fromkeys(("nn.tanh", "math.tanh", "tanh"), word("tanh")),
}
"""Functions of TensorFlow by their names in Keras 2."""
