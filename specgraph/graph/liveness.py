"""Liveness: what the values that are wanted depend on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Reversible
from typing import TypeVar

from specgraph.graph.model import Graph, Node

Value = TypeVar("Value")


def live(order: Reversible[Value], sources: Callable[[Value], Iterable[Value]], wanted: Iterable[Value]) -> set[Value]:
    """The wanted values and all that they depend on.

    `order` lists what computes something, sources before their readers; `sources` are what one of them reads.
    """
    found = set(wanted)
    for value in reversed(order):
        if value in found:
            found.update(sources(value))
    return found


def live_nodes(nodes: list[Node], outputs: Iterable[str]) -> list[Node]:
    """Of nodes in dependency order those that one of these outputs depends on."""
    reads = {node.path: node.inputs for node in nodes}
    found = live(reads, reads.__getitem__, outputs)
    return [node for node in nodes if node.path in found]


def live_at_inference(graph: Graph) -> list[Node]:
    """Nodes present outside training that some output there depends on, in order."""
    return live_nodes(graph.inference_nodes(), graph.inference_outputs().values())
