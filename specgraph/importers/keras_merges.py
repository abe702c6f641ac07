"""Layers of Keras that join values, and attention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from specgraph.importers.flat import Array, Refusal
from specgraph.importers.keras_calls import LayerCall, Piece, Value
from specgraph.pretrained.keras_variables import ATTENTION


def alike(call: LayerCall, values: Sequence[Value], *, numpy: bool = False) -> list[Value]:
    """Values with as many axes each and in one order, as sums and products take them. Keras's layers put axes of size
    1 after the batch, `numpy` before all: the batch would meet another axis there. Raises `Refusal`."""
    rank = max(len(value.order) for value in values)
    if numpy and any(len(value.order) != rank for value in values):
        raise Refusal("it joins values of different numbers of axes, whose batch axes do not meet")
    if any(value.pieces for value in values) and any(value.pieces != values[0].pieces for value in values):
        values = [call.settled(value) for value in values]
    orders = [value.order for value in values if len(value.order) == rank]
    order = max(orders, key=orders.count)
    found = []
    for value in values:
        missing = rank - len(value.order)
        if missing:
            value = call.plain(value)
            own = call.net.type_of(value.path).dims
            sizes = [*[1] * missing, *own]
            if any(not isinstance(size, int) for size in own):
                raise Refusal("it joins values of different numbers of axes, of sizes that the model leaves free")
            turned = [sizes[axis] for axis in order] if len(own) == 1 else sizes
            unpooled = call.state.unpooled.get(value.path)
            if unpooled is not None and list(call.net.type_of(unpooled).dims) == turned:
                found.append(Value(unpooled, order))
                continue
            path = call.net.add("reshape", [value.path], {"shape": turned}, hints=call.hints("_reshape"))
            value = Value(path, order if len(own) == 1 else tuple(range(rank)))
        found.append(value if value.pieces and rank == 1 else call.ordered(value, order))
    return found


def join(op: str) -> Callable[[LayerCall], Value]:
    """A layer that is one op of all its inputs."""

    def read(call: LayerCall) -> Value:
        values = call.inputs()
        if len(values) == 1:
            return values[0]
        return joined(call, op, alike(call, values))

    return read


def joined(call: LayerCall, op: str, values: Sequence[Value], part: str = "") -> Value:
    """One op of values of one order."""
    return values[0]._replace(path=call.add(op, values, part=part))


def subtract(call: LayerCall) -> Value:
    values = alike(call, call.inputs())
    if len(values) != 2:
        raise Refusal(f"it reads {len(values)} values, and two are expected")
    return joined(call, "sub", values)


def average(call: LayerCall) -> Value:
    values = alike(call, call.inputs())
    total = joined(call, "add", values, "_sum")
    return total._replace(path=call.add("affine", [total], {"scale": 1 / len(values)}))


def extreme(op: str) -> Callable[[LayerCall], Value]:
    """The `maximum` or `minimum` of values, two at a time."""

    def read(call: LayerCall) -> Value:
        first, *others = alike(call, call.inputs())
        for number, other in enumerate(others, 1):
            first = joined(call, op, [first, other], "" if number == len(others) else f"_{number}")
        return first

    return read


def concatenate(call: LayerCall) -> Value:
    axis = call.get("axis", -1)
    return concatenated(call, call.inputs(), call.axis(axis, len(call.inputs()[0].order)))


def concatenated(call: LayerCall, values: list[Value], axis: int) -> Value:
    """Values one after another along an axis of Keras's. Flattened maps keep the spec's order."""
    if len(values) == 1:
        return values[0]
    if any(value.pieces for value in values):
        pieces: list[Piece] = []
        for value in values:
            (size,) = call.dims(value)
            if not isinstance(size, int):
                raise Refusal("it joins flattened maps of sizes that the model leaves free")
            pieces += value.pieces or (Piece((size,), (0,)),)
        return Value(call.add("concat", values), (0,), tuple(pieces))
    values = alike(call, values, numpy=True)
    return values[0]._replace(path=call.add("concat", values, {"dim": call.dim(values[0], axis)}))


def dot(call: LayerCall) -> Value:
    raise Refusal("its product over chosen axes has no counterpart")


# attention ----------------------------------------------------------------------------------------


def multi_head_attention(call: LayerCall) -> Value:
    """Keras's query, key and value come as arguments: `layer(query, value, key=None)`."""
    query, value, key = _arguments(call)
    for name, neutral in (
        ("use_gate", False),
        ("attention_axes", [1]),
        ("sliding_window", None),
        ("output_shape", None),
    ):
        call.expect(name, neutral)
    for name in (
        "attention_mask",
        "query_mask",
        "value_mask",
        "key_mask",
        "use_causal_mask",
        "return_attention_scores",
    ):
        if call.kwargs.get(name) not in (None, False):
            raise Refusal(f"its `{name}` has no counterpart")
    query, key, value = (call.tokens(each) for each in (query, key, value))
    if any(len(each.order) != 2 for each in (query, key, value)):
        raise Refusal("it attends over several axes")
    heads, size = call.whole("num_heads"), call.whole("key_dim")
    own = call.get("value_dim", size)
    sizes = [call.dims(each)[1] for each in (query, key, value)]
    if own != size:
        raise Refusal(f"its values have {own} features a head and its keys {size}")
    parts = {
        name: _projection(call, name, heads, size, width)
        for name, width in zip(ATTENTION, [*sizes, sizes[0]], strict=True)
    }
    dropout = call.real("dropout", 0.0)
    if heads * size == sizes[0] == sizes[1] == sizes[2]:
        parameters = {
            "in_proj_weight": _stacked(parts, "weight"),
            "out_proj.weight": parts["attention_output"]["weight"],
        }
        if call.flag("use_bias", True):
            parameters |= {"in_proj_bias": _stacked(parts, "bias"), "out_proj.bias": parts["attention_output"]["bias"]}
        values = [query] if query == key == value else [query, key, value]
        arguments = {"num_heads": heads, "bias": call.flag("use_bias", True), "dropout": dropout}
        return query._replace(path=call.add("multi_head_attention", values, arguments, parameters))
    if dropout:
        call.state.note("attention: the dropout of the scores is left out")
    projected = [
        each._replace(path=_linear(call, each, heads * size, parts[name], f".{name}"))
        for name, each in zip(ATTENTION, (query, key, value), strict=False)
    ]
    mixed = query._replace(path=call.add("attention", projected, {"num_heads": heads}, part=".attention"))
    if not isinstance(sizes[0], int):
        raise Refusal("the model leaves the number of its features free")
    return mixed._replace(path=_linear(call, mixed, sizes[0], parts["attention_output"], ".output"))


def _arguments(call: LayerCall) -> tuple[Value, Value, Value]:
    """Query, value and key of a call. Raises `Refusal`."""
    named = dict(zip(("query", "value", "key"), call.args, strict=False)) | call.kwargs
    first = named.get("query")
    if isinstance(first, list):  # Keras 2 lists what is not by name
        named |= dict(zip(("query", "value", "key"), first, strict=False))
    query, value = named.get("query"), named.get("value")
    key = named.get("key")
    key = value if key is None else key
    if not (isinstance(query, Value) and isinstance(value, Value) and isinstance(key, Value)):
        raise Refusal("its query, key and value cannot be told")
    return query, value, key


def _projection(call: LayerCall, name: str, heads: int, size: int, width: Any) -> dict[str, Array]:
    """Weight (out, in) and bias of a projection. Its kernel is (in, heads, size), the last one's (heads, size, out)."""
    last = name == ATTENTION[-1]
    shape = (heads, size, width) if last else (width, heads, size)
    kernel = call.take(f"{name}.kernel", *shape)
    rows = heads * size if last else kernel.shape[0]
    found: dict[str, Array] = {"weight": kernel.reshape(rows, -1).T.copy()}
    if call.flag("use_bias", True):
        found["bias"] = call.take(f"{name}.bias", *((width,) if last else (heads, size))).reshape(-1)
    return found


def _stacked(parts: dict[str, dict[str, Array]], name: str) -> Array:
    return np.concatenate([parts[part][name] for part in ATTENTION[:3]])


def _linear(call: LayerCall, value: Value, features: int, parameters: dict[str, Array], part: str) -> str:
    own = {"out_features": features, "bias": "bias" in parameters}
    return call.add("linear", [value], own, parameters, part)


READ: dict[str, Callable[[LayerCall], Value]] = {
    "Add": join("add"),
    "Multiply": join("mul"),
    "Subtract": subtract,
    "Average": average,
    "Maximum": extreme("maximum"),
    "Minimum": extreme("minimum"),
    "Concatenate": concatenate,
    "Dot": dot,
    "MultiHeadAttention": multi_head_attention,
}
