"""A faulty network as something to look at: what is known of it, and stand-ins for what is not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from specgraph.diagnostics.model import Diagnostic
from specgraph.graph.arguments import Arguments
from specgraph.graph.model import Graph, Node
from specgraph.graph.partial import Partial, Unfinished
from specgraph.graph.types import TensorType


class UnknownType(TensorType):
    """The type of what a faulty node would compute; it has no sizes."""

    def __init__(self) -> None:
        super().__init__((), ())

    def __str__(self) -> str:
        return "?"


class FaultyNetwork(NamedTuple):
    """`graph` holds the typed nodes, and a stand-in for each other one, at its place. `known` is the graph of the
    typed nodes alone, `faults` are the errors by the path of their node, `unknown` the paths of the stand-ins."""

    graph: Graph
    known: Graph
    faults: dict[str, list[Diagnostic]]
    unknown: frozenset[str]

    def mark(self, path: str) -> str:
        """What to write beside a node: the codes of its errors, `?` where it reads something faulty, or nothing."""
        found = self.faults.get(path)
        if found:
            return "✗ " + ", ".join(dict.fromkeys(diagnostic.code for diagnostic in found))
        return "?" if path in self.unknown else ""


def faulty_network(partial: Partial, diagnostics: Iterable[Diagnostic]) -> FaultyNetwork:
    """A partial network with what is wrong with it. Errors outside its nodes are left out."""
    graph = partial.graph
    known = {**graph.nodes}
    waiting = sorted(partial.unfinished.values(), key=lambda unfinished: unfinished.after)
    nodes: dict[str, Node] = {}
    paths = {*graph.inputs, *known, *partial.unfinished}
    for index, node in enumerate([*known.values(), None]):
        while waiting and (waiting[0].after <= index or node is None):
            stand_in = _stand_in(waiting.pop(0), paths)
            nodes.setdefault(stand_in.path, stand_in)
        if node is not None:
            nodes[node.path] = node
    faults: dict[str, list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        if diagnostic.severity == "error" and diagnostic.node in nodes:
            faults.setdefault(diagnostic.node, []).append(diagnostic)
    outputs = {name: path for name, path in graph.outputs.items() if path in nodes or path in graph.inputs}
    typed = graph.replace(outputs={name: path for name, path in outputs.items() if path not in partial.unfinished})
    unknown = frozenset(path for path in partial.unfinished if path in nodes and path not in known)
    return FaultyNetwork(graph.replace(nodes=nodes, outputs=outputs), typed, faults, unknown)


def _stand_in(unfinished: Unfinished, paths: set[str]) -> Node:
    inputs = tuple(path for path in unfinished.inputs if path in paths)
    return Node(
        unfinished.path,
        unfinished.op or "?",
        Arguments({}),
        inputs,
        (UnknownType(),) * max(len(inputs), 1),
        UnknownType(),
        (),
        unfinished.span,
        train_only=unfinished.train_only,
    )
