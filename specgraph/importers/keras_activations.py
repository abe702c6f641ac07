"""Activations of Keras, by their words, as layers and as arguments of layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specgraph.importers.flat import Refusal
from specgraph.importers.keras_calls import LayerCall, Value, real

SELU = 1.6732632423543772, 1.0507009873554805
"""Its alpha and its scale (Klambauer et al. 2017)."""
WORDS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("relu", {}),
    "relu6": ("relu6", {}),
    "elu": ("elu", {}),
    "celu": ("celu", {}),
    "sigmoid": ("sigmoid", {}),
    "tanh": ("tanh", {}),
    "softplus": ("softplus", {}),
    "softsign": ("softsign", {}),
    "silu": ("silu", {}),
    "swish": ("silu", {}),
    "gelu": ("gelu", {}),
    "mish": ("mish", {}),
    "exponential": ("exp", {}),
    "leaky_relu": ("leaky_relu", {"negative_slope": 0.2}),
    "hard_silu": ("hardswish", {}),
    "hard_swish": ("hardswish", {}),
    "hard_tanh": ("hardtanh", {}),
    "hard_shrink": ("hardshrink", {}),
    "soft_shrink": ("softshrink", {}),
    "tanh_shrink": ("tanhshrink", {}),
    "log_sigmoid": ("log_sigmoid", {}),
    "squareplus": ("squareplus", {}),
}
"""Words that one op says, whatever the axes. `leaky_relu` as a word has the slope 0.2, as a layer 0.3."""
OF_AXIS = {"softmax": "softmax", "log_softmax": "log_softmax", "glu": "glu"}


def activated(call: LayerCall, value: Value, key: str = "activation", default: str = "linear") -> Value:
    """The value after the activation that a setting of the layer names. Raises `Refusal`."""
    return apply(call, value, word_of(call.get(key, default)), part=True)


def word_of(found: Any) -> str:
    """The word of an activation as it is written: a name, or the name of a function of Keras. Raises `Refusal`."""
    if isinstance(found, dict):
        inner = found.get("config")
        if found.get("class_name") == "__lambda__":
            raise Refusal("its activation is a function in Python code, which is not run")
        found = inner if isinstance(inner, str) else found.get("class_name")
        if isinstance(inner, dict):
            raise Refusal(f"its activation is {str(found)[:60]} with settings of its own")
    if not isinstance(found, str):
        raise Refusal("its activation has no name")
    return found.rpartition(">")[2]


def apply(call: LayerCall, value: Value, word: str, *, part: bool = False) -> Value:
    """The value after an activation; `part`: of another layer, which the node's name says. Raises `Refusal`."""
    name = f"_{word}" if part else ""
    if word == "linear":
        return value
    if word in WORDS:
        op, arguments = WORDS[word]
        return value._replace(path=call.add(op, [value], arguments, part=name))
    if word == "selu":
        alpha, scale = SELU
        curve = value._replace(path=call.add("elu", [value], {"alpha": alpha}, part=f"{name}_elu"))
        return curve._replace(path=call.add("affine", [curve], {"scale": scale}, part=f"{name}_scale"))
    if word == "hard_sigmoid":
        return hard_sigmoid(call, value, name)
    if word in OF_AXIS:
        return along(call, value, OF_AXIS[word], len(value.order) - 1, name)
    raise Refusal(f"no op computes the activation `{word[:60]}`")


def hard_sigmoid(call: LayerCall, value: Value, part: str = "") -> Value:
    """Keras 3 has the slope 1/6, Keras 2 has 0.2."""
    if call.state.major >= 3:
        return value._replace(path=call.add("hardsigmoid", [value], part=part))
    line = value._replace(path=call.add("affine", [value], {"scale": 0.2, "shift": 0.5}, part=f"{part}_line"))
    return line._replace(path=call.add("clamp", [line], {"min": 0, "max": 1}, part=part))


def along(call: LayerCall, value: Value, op: str, axis: int, part: str = "") -> Value:
    """An activation over one axis of Keras's value, from 0 without the batch."""
    value = call.settled(value) if op == "glu" else value
    return value._replace(path=call.add(op, [value], {"dim": call.dim(value, axis)}, part=part), pieces=value.pieces)


# layers -------------------------------------------------------------------------------------------


def activation(call: LayerCall) -> Value:
    return apply(call, call.input(), word_of(call.get("activation", "linear")))


def relu(call: LayerCall) -> Value:
    return rectified(
        call, call.input(), call.get("max_value"), call.real("negative_slope", 0.0), call.real("threshold", 0.0)
    )


def rectified(call: LayerCall, value: Value, most: Any, slope: float, threshold: float) -> Value:
    """A rectifier with a largest value, a slope below zero and a threshold. Raises `Refusal`."""
    if threshold:
        if slope:
            raise Refusal("it has a slope and a threshold, which no op has together")
        value = value._replace(
            path=call.add("threshold", [value], {"threshold": threshold, "value": 0}, part="_threshold" if most else "")
        )
        return (
            value if most is None else value._replace(path=call.add("clamp", [value], {"max": real(most, "max_value")}))
        )
    if most is None:
        op = "leaky_relu" if slope else "relu"
        return value._replace(path=call.add(op, [value], {"negative_slope": slope} if slope else {}))
    most = real(most, "max_value")
    if slope:
        value = value._replace(path=call.add("leaky_relu", [value], {"negative_slope": slope}, part="_slope"))
        return value._replace(path=call.add("clamp", [value], {"max": most}))
    if most == 6:
        return value._replace(path=call.add("relu6", [value]))
    return value._replace(path=call.add("hardtanh", [value], {"min_val": 0, "max_val": most}))


def leaky_relu(call: LayerCall) -> Value:
    slope = call.real("negative_slope" if call.get("negative_slope") is not None else "alpha", 0.3)
    value = call.input()
    return value._replace(path=call.add("leaky_relu", [value], {"negative_slope": slope}))


def elu(call: LayerCall) -> Value:
    value = call.input()
    return value._replace(path=call.add("elu", [value], {"alpha": call.real("alpha", 1.0)}))


def prelu(call: LayerCall) -> Value:
    """A slope for each channel, or one for all. Raises `Refusal` for one at each place."""
    value, rank = call.input(), len(call.input().order)
    shared = {call.axis(axis, rank) for axis in call.get("shared_axes", [])}
    sizes = [1 if axis in shared else size for axis, size in enumerate(call.dims(value))]
    own = [axis for axis in range(rank) if axis not in shared and sizes[axis] != 1]
    if len(own) > 1:
        raise Refusal("it has a slope at each place of the map: `prelu` has one for each channel, or one")
    if own and value.order[0] != own[0]:
        value = call.ordered(value, (own[0], *(axis for axis in range(rank) if axis != own[0])))
    weight = call.take("alpha", *sizes).reshape(-1)
    places = value.places()
    weight = weight if places is None or not own else weight[places]
    return value._replace(path=call.add("prelu", [value], {"num_parameters": weight.size}, {"weight": weight}))


def softmax(call: LayerCall) -> Value:
    value = call.input()
    axis = call.get("axis", -1)
    if isinstance(axis, list):
        if len(axis) != 1:
            raise Refusal("it acts on several axes at once")
        (axis,) = axis
    return along(call, value, "softmax", call.axis(axis, len(value.order)))


READ: dict[str, Callable[[LayerCall], Value]] = {
    "Activation": activation,
    "ReLU": relu,
    "LeakyReLU": leaky_relu,
    "ELU": elu,
    "PReLU": prelu,
    "Softmax": softmax,
}
