"""Runs the rules that look at a finished graph: one file each, with a function `check(lint)`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Span
from specgraph.graph.model import Graph, Node
from specgraph.language.document import Document, NodeDef

if TYPE_CHECKING:
    from specgraph.cures.removal import Removals


class Lint:
    """What a rule sees: the graph, how each node was written, the file, and where to report.

    `written` maps a node's path to its definition in the spec (one definition may stand behind many
    nodes); `readers` maps paths to the paths that read them; `by_op` and `by_definition` group nodes.
    """

    def __init__(self, graph: Graph, document: Document, written: dict[str, NodeDef], collector: Collector) -> None:
        self.graph = graph
        self.document = document
        self.written = written
        self.collector = collector
        self.readers = graph.readers()
        self.outputs = frozenset(graph.outputs.values())
        self._removals: Removals | None = None
        self._origins: dict[frozenset[str], dict[str, str]] = {}
        self.by_op: dict[str, list[Node]] = {}
        self.by_definition: dict[int, list[Node]] = {}
        for path, node in graph.nodes.items():
            self.by_op.setdefault(node.op, []).append(node)
            self.by_definition.setdefault(id(written[path]), []).append(node)

    def report(self, rule: str, message: str, at: Node | Span, **more: Any) -> None:
        """Report a fault of a node, or of a place in the file."""
        if isinstance(at, Node):
            more.setdefault("node", at.path)
            at = at.span
        self.collector.report(rule, message, at, **more)

    def producer(self, path: str) -> Node | None:
        """The node behind a path, or None for a graph input."""
        return self.graph.nodes.get(path)

    def nodes_of(self, *names: str) -> Iterator[Node]:
        """All nodes of these ops."""
        for name in names:
            yield from self.by_op.get(name, ())

    def definitions(self, *names: str) -> Iterator[tuple[NodeDef, list[Node]]]:
        """Each definition that only makes nodes of one of these ops, with the nodes it makes."""
        seen: set[int] = set()
        for node in self.nodes_of(*names):
            definition = self.written[node.path]
            if id(definition) not in seen:
                seen.add(id(definition))
                nodes = self.by_definition[id(definition)]
                if all(other.op in names for other in nodes):
                    yield definition, nodes

    def only_reader(self, path: str) -> Node | None:
        """The single node that reads `path`, where it is no output besides."""
        readers = self.readers[path]
        return self.graph.nodes[readers[0]] if len(readers) == 1 and path not in self.outputs else None

    def origin(self, path: str, transparent: frozenset[str]) -> str:
        """The path whose values arrive at `path` through nodes of these ops alone; maybe a graph input."""
        known = self._origins.setdefault(transparent, {})
        passed = []
        while (found := known.get(path)) is None:
            node = self.graph.nodes.get(path)
            if node is None or node.op not in transparent:
                found = path
                break
            passed.append(path)
            path = node.inputs[0]
        known.update(dict.fromkeys(passed, found))
        return found

    def before(self, path: str, transparent: frozenset[str]) -> Node | None:
        """The node behind a path, looking through nodes of these ops; None for a graph input."""
        return self.graph.nodes.get(self.origin(path, transparent))

    @property
    def removals(self) -> Removals:
        """The fixes that take something out of the file."""
        if self._removals is None:
            from specgraph.cures.removal import Removals

            self._removals = Removals(self.document)
        return self._removals

    def names(self, node: Node, argument: str) -> Span:
        """Where an argument of a node is written, or the node itself where it is not."""
        given = self.written[node.path].arguments.get(argument)
        return node.span if given is None else given[1].span
