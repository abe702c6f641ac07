"""What kind of layer a node is, and walks between the layers that have weights. Words that several rules share."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod, sqrt
from typing import Any

from specgraph.graph.model import Node
from specgraph.language.initialisers import STATED
from specgraph.lint.context import Lint
from specgraph.ops.registry import ops


def is_activation(node: Node) -> bool:
    """Whether a node is an activation."""
    return ops()[node.op].family == "activation"


def is_normalisation(node: Node) -> bool:
    """Whether a node brings values to a scale of its own."""
    return ops()[node.op].family == "normalisation"


def saturates(lint: Lint, node: Node) -> bool:
    """Whether a node's slope is near zero on both sides, as that of sigmoid and tanh."""
    behaviour = lint.behaviour(node)
    return is_activation(node) and behaviour.pointwise and behaviour.is_bounded and behaviour.keeps is None


def drop_rate(lint: Lint, node: Node) -> float:
    """The probability that a dropout drops a value."""
    argument = lint.behaviour(node).drop_rate
    assert argument is not None
    rate: float = node.arguments[argument]
    return rate


MODERATE_RATE = 0.5


def distorts(lint: Lint, dropout: Node, pool: Node) -> bool:
    """Whether a pooling right after a dropout gives far larger values in training than in evaluation."""
    return lint.behaviour(pool).takes_largest and drop_rate(lint, dropout) > MODERATE_RATE


STRONGEST_RATE = 0.8


def joint_rate(lint: Lint, first: Node, second: Node) -> float:
    """The share of the values that two dropouts one after the other drop together."""
    return 1 - (1 - drop_rate(lint, first)) * (1 - drop_rate(lint, second))


def is_regularised_twice(lint: Lint, first: Node, second: Node) -> bool:
    """Whether two dropouts leave hardly anything of a map that a batch_norm regularises already: with batch_norm,
    networks do without dropout (Ioffe and Szegedy 2015, "Batch Normalization", section 4.2.1)."""
    if joint_rate(lint, first, second) <= STRONGEST_RATE or not first.output.spatial_rank:
        return False
    before = lint.graph.nodes.get(first.inputs[0])
    while before is not None and is_activation(before) and len(before.inputs) == 1:
        before = lint.graph.nodes.get(before.inputs[0])
    return before is not None and lint.behaviour(before).over_batch


def weighted(lint: Lint) -> Iterator[Node]:
    """Every convolution and linear layer."""
    return lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.linear))


def next_through(lint: Lint, node: Node) -> Node | None:
    """The only reader of a node, looking through those that change no number in training or outside; None where
    there are several, or it is an output."""
    reader = lint.only_reader(node.path)
    while reader is not None and (lint.behaviour(reader).keeps_numbers or lint.drops(reader)):
        reader = lint.only_reader(reader.path)
    return reader


def weighted_readers(lint: Lint, node: Node) -> list[Node]:
    """The next layers with weights that a node's values reach, joins of branches aside."""
    found, waiting, seen = [], [node.path], {node.path}
    while waiting:
        for path in lint.readers[waiting.pop()]:
            reader = lint.graph.nodes[path]
            if path in seen:
                continue
            seen.add(path)
            if lint.behaviour(reader).linear:
                found.append(reader)
            elif len(reader.inputs) == 1:
                waiting.append(path)
    return found


def fan_in(node: Node) -> int | None:
    """How many values each unit of a layer sums; None where that is not settled."""
    for parameter in node.parameters:
        if parameter.name == "weight" and all(isinstance(size, int) for size in parameter.shape):
            return prod(int(size) for size in parameter.shape[1:])
    return None


def first_scale(node: Node) -> float | None:
    """The root mean square of a layer's first weights, from its `init`; None if there is none, or it cannot
    be told."""
    if "weight" not in node.init:
        return None
    name, fields = node.init["weight"]
    if name in STATED:
        mean, deviation = moments(name, fields)
        return sqrt(mean * mean + deviation * deviation)
    gain, count = fields.get("gain"), fan_in(node)
    return gain / sqrt(count) if gain is not None and count else None


def moments(name: str, fields: dict[str, Any]) -> tuple[float, float]:
    """Mean and deviation of an initialiser with given numbers."""
    if name == "uniform":
        low, high = fields["a"], fields["b"]
        return (low + high) / 2, (high - low) / sqrt(12)
    if name in ("normal", "trunc_normal"):
        return fields["mean"], fields["std"]
    return {"zeros": 0.0, "ones": 1.0}.get(name, fields.get("value", 0.0)), 0.0
