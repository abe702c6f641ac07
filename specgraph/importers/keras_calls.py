"""A model of Keras becoming a network: values with the order of their axes, and what a call of a layer may ask.

Keras has channels last, a spec channels first. A value keeps the order that it has in the spec, and is turned where a
layer needs another: most never are. A flattened map keeps the order of the spec too, and the rows of the layer that
reads it are put into that order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np

from specgraph.graph.dims import Dim
from specgraph.importers.flat import Array, FlatNetwork, Refusal
from specgraph.importers.keras_model import Call, Layer
from specgraph.importers.keras_weights import Variables
from specgraph.importers.naming import numbered

Order = tuple[int, ...]
SPATIAL_KINDS = ("1D", "2D", "3D")


class Piece(NamedTuple):
    """A part of a vector that is a flattened map: its sizes as the spec has them, and their order, as in `Value`."""

    dims: tuple[int, ...]
    order: Order

    def places(self) -> Array:
        """The place in Keras's vector of each entry of the spec's."""
        sizes = [self.dims[self.order.index(axis)] for axis in range(len(self.dims))]
        return np.arange(prod(sizes)).reshape(sizes).transpose(self.order).reshape(-1)


class Value(NamedTuple):
    """A value of Keras as a node of the spec. The axis `i` of the node, without the batch, is the axis `order[i]` of
    Keras's value. `pieces` are those of a vector that holds flattened maps in the spec's order; empty for one in
    Keras's order."""

    path: str
    order: Order
    pieces: tuple[Piece, ...] = ()

    def places(self) -> Array | None:
        """The place in Keras's vector of each entry of the spec's; None where it is its own."""
        if not self.pieces:
            return None
        starts = np.cumsum([0, *(prod(piece.dims) for piece in self.pieces)])
        return np.concatenate([piece.places() + start for piece, start in zip(self.pieces, starts, strict=False)])


@dataclass(slots=True)
class State:
    """What all calls of an import share. `turned` says how a permuted node came about; `made` are the nodes that the
    first call of a layer made; `differences` are notes for the user."""

    net: FlatNetwork
    variables: Variables
    version: str
    turned: dict[str, tuple[str, Order]] = field(default_factory=dict)
    permuted: dict[tuple[str, Order], str] = field(default_factory=dict)
    unpooled: dict[str, str] = field(default_factory=dict)
    made: dict[int, list[str]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    @property
    def major(self) -> int:
        """The major version of Keras; 3 if it is not known."""
        first = self.version.partition(".")[0]
        return int(first) if first.isdecimal() and len(first) < 3 else 3

    def note(self, text: str) -> None:
        """Say a difference once."""
        if text not in self.differences:
            self.differences.append(text)


class LayerCall:
    """One call of a layer. `number` counts the calls of this layer, from 0; `name` is the node's name."""

    def __init__(self, state: State, layer: Layer, call: Call, name: str, number: int) -> None:
        self.state = state
        self.net = state.net
        self.layer = layer
        self.args = call.args
        self.kwargs = call.kwargs
        self.name = name
        self.number = number
        self._count = 0

    # settings ----------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        """A setting as it is written, the default where it is missing or null."""
        found = self.layer.config.get(key)
        return default if found is None else found

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number of at least 1. Raises `Refusal`."""
        found = self.get(key, default)
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if type(found) is not int or not 1 <= found < 2**31:
            raise Refusal(f"`{key}` is {_short(found)}, not a number of 1 or more")
        return found

    def real(self, key: str, default: float | None = None) -> float:
        """A number. Raises `Refusal`."""
        return real(self.get(key, default), key)

    def flag(self, key: str, default: bool) -> bool:
        """True or false. Raises `Refusal`."""
        found = self.get(key, default)
        if not isinstance(found, bool):
            raise Refusal(f"`{key}` is {_short(found)}, not true or false")
        return found

    def text(self, key: str, default: str) -> str:
        """A word. Raises `Refusal`."""
        found = self.get(key, default)
        if not isinstance(found, str):
            raise Refusal(f"`{key}` is {_short(found)}, not a word")
        return found

    def sizes(self, key: str, rank: int, default: int | None = None) -> list[int]:
        """A whole number of at least 1 for each axis. Raises `Refusal`."""
        found = self.get(key, default)
        listed = found if isinstance(found, list) else [found] * rank
        if len(listed) != rank or any(type(size) is not int or not 1 <= size < 2**31 for size in listed):
            raise Refusal(f"`{key}` is {_short(found)}, not a number of 1 or more for each of {rank} axes")
        return listed

    def expect(self, key: str, *neutral: Any) -> None:
        """Raise `Refusal` unless a setting has one of these values, or none."""
        found = self.layer.config.get(key)
        if found is not None and not any(found == value and type(found) is type(value) for value in neutral):
            raise Refusal(f"`{key}: {_short(found)}` has no counterpart")

    # values ------------------------------------------------------------------------------------

    def inputs(self) -> list[Value]:
        """The values that the call reads in its first argument, or by the names of the others."""
        return [value for value in _leaves([self.args, self.kwargs]) if isinstance(value, Value)]

    def input(self) -> Value:
        """The only value that the call reads. Raises `Refusal` where there are more."""
        found = self.inputs()
        if len(found) != 1:
            raise Refusal(f"it reads {len(found)} values, and one is expected")
        return found[0]

    def dims(self, value: Value) -> tuple[Dim, ...]:
        """The sizes in Keras's order."""
        own = self.net.type_of(value.path).dims
        return tuple(own[value.order.index(axis)] for axis in range(len(own)))

    def axis(self, found: Any, rank: int, *, batch: bool = True) -> int:
        """An axis of Keras's value, from 0 without the batch; `batch`: the number counts it. Raises `Refusal`."""
        if type(found) is not int or not -rank - batch <= found < rank + batch:
            raise Refusal(f"{_short(found)} is not an axis of its input")
        axis = found + rank if found < 0 else found - batch
        if axis < 0:
            raise Refusal("it acts on the batch axis")
        return axis

    def dim(self, value: Value, axis: int) -> int:
        """The number that an axis of Keras's value has in the spec, the batch being 0."""
        return value.order.index(axis) + 1

    def ordered(self, value: Value, order: Order) -> Value:
        """The value with its axes in this order, turned if it has another."""
        value = self.settled(value)
        if value.order == order:
            return value
        base, axes = self.state.turned.get(value.path, (value.path, tuple(range(len(order)))))
        first = tuple(value.order[axes.index(axis)] for axis in range(len(axes)))
        dims = tuple(first.index(axis) for axis in order)
        if dims == tuple(range(len(dims))):
            return Value(base, order)
        path = self.state.permuted.get((base, dims))
        if path is None:
            hints = numbered(f"{self.name}_permute")
            path = self.net.add("permute", [base], {"dims": [0, *(dim + 1 for dim in dims)]}, hints=hints)
            self.state.permuted[base, dims] = path
            self.state.turned[path] = base, dims
        return Value(path, order)

    def plain(self, value: Value) -> Value:
        """The value with its axes in Keras's order."""
        return self.ordered(value, tuple(range(len(value.order))))

    def tokens(self, value: Value) -> Value:
        """The value in Keras's order, its last axis being features: what was an image is relabelled."""
        value = self.plain(value)
        kind = self.net.type_of(value.path)
        if not kind.is_feature_map:
            return value
        shape = [dim if isinstance(dim, int) else -1 for dim in kind.dims]
        if shape.count(-1) > 1:
            raise Refusal("its input has two free sizes, which a reshape cannot keep")
        return Value(
            self.net.add("reshape", [value.path], {"shape": shape}, hints=numbered(f"{self.name}_tokens")), value.order
        )

    def map(self, value: Value) -> Value:
        """The value with channels first, which is what a layer of windows reads; by its `data_format`."""
        rank = len(value.order)
        first = self.text("data_format", "channels_last") == "channels_first"
        return self.ordered(value, tuple(range(rank)) if first else (rank - 1, *range(rank - 1)))

    def settled(self, value: Value) -> Value:
        """A vector with its entries in Keras's order."""
        if not value.pieces:
            return value
        source, parts, start = self.net.nodes.get(value.path), [], 0
        for piece in value.pieces:
            size = prod(piece.dims)
            whole = value.path
            if source is not None and source.op == "flatten" and len(value.pieces) == 1:
                whole = source.inputs[0]
            else:
                if len(value.pieces) > 1:
                    whole = self.net.add(
                        "slice", [whole], {"start": start, "stop": start + size}, hints=self.hints("_slice")
                    )
                whole = self.net.add("reshape", [whole], {"shape": list(piece.dims)}, hints=self.hints("_reshape"))
            start += size
            turned = self.plain(Value(whole, piece.order))
            parts.append(
                self.net.add("flatten", [turned.path], hints=self.hints("_flatten")) if len(piece.dims) > 1 else whole
            )
        joined = parts[0] if len(parts) == 1 else self.net.add("concat", parts, hints=self.hints("_concat"))
        return Value(joined, (0,))

    def hints(self, part: str) -> list[str]:
        """What to call a node that only brings a value into order."""
        return numbered(self.name + part)

    # nodes -------------------------------------------------------------------------------------

    def add(
        self,
        op: str,
        values: Sequence[Value],
        arguments: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Array] | None = None,
        part: str = "",
    ) -> str:
        """Add a node, called as the layer, or as a part of it; its path. In a later call of the layer it uses the
        parameters of the node that the first call made. Raises `Refusal`."""
        paths = [value.path for value in values]
        path = self.net.add(op, paths, arguments, parameters, numbered(self.name + part))
        made = self.state.made.setdefault(id(self.layer), [])
        if self.number == 0:
            made.append(path)
        elif parameters:
            first = made[self._count]
            if self.net.nodes[first].arguments != self.net.nodes[path].arguments:
                raise Refusal(
                    "it is called on maps of several sizes, which `same` pads unlike: a spec shares parameters between "
                    "equal calls alone"
                )
            self.net.nodes[path].share = first
        self._count += 1
        return path

    def take(self, name: str, *shape: Dim) -> Array:
        """A variable of the layer. Raises `Refusal` where its size is not known."""
        sizes = [size for size in shape if isinstance(size, int)]
        if len(sizes) != len(shape):
            raise Refusal("the size of its weights depends on a size that the model leaves free")
        return self.state.variables.take(self.layer, name, sizes)


def real(value: Any, what: str) -> float:
    """A finite number, which may be written as a float32. Raises `Refusal`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e38:
        raise Refusal(f"`{what}` is {_short(value)}, not a number")
    if isinstance(value, float) and float(np.float32(value)) == value:  # as short as it was before it became a float32
        return float(np.format_float_positional(np.float32(value), trim="0"))
    return value


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    return [value]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:40] + "…"
