"""Runs the rules that look at a finished graph: one file each, with a function `check(lint)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Span
from specgraph.graph.model import Graph, Node
from specgraph.language.document import Document, NodeDef
from specgraph.ops.behaviour import Behaviour
from specgraph.ops.registry import behaviour_of

if TYPE_CHECKING:
    from specgraph.cures.removal import Removals


class Lint:
    """What a rule sees: the graph, how each node was written, the file, and where to report.

    `written` maps a node's path to its definition in the spec (one definition may make many
    nodes); `readers` maps paths to the paths that read them; `by_op` and `by_definition` group nodes;
    `behaviours` are those of the ops in `by_op`.
    """

    def __init__(self, graph: Graph, document: Document, written: dict[str, NodeDef], collector: Collector) -> None:
        self.graph = graph
        self.document = document
        self.written = written
        self.collector = collector
        self.readers = graph.readers()
        self.outputs = frozenset(graph.outputs.values())
        self._removals: Removals | None = None
        self._origins: dict[tuple[str, ...], dict[str, str]] = {}
        self.by_op: dict[str, list[Node]] = {}
        self.by_definition: dict[int, list[Node]] = {}
        by_op, by_definition = self.by_op, self.by_definition
        for path, node in graph.nodes.items():
            if node.op in by_op:
                by_op[node.op].append(node)
            else:
                by_op[node.op] = [node]
            definition = id(written[path])
            if definition in by_definition:
                by_definition[definition].append(node)
            else:
                by_definition[definition] = [node]
        self.behaviours: dict[str, Behaviour] = {name: behaviour_of(name) for name in self.by_op}

    def report(self, rule: str, message: str, at: Node | Span, **more: Any) -> None:
        """Report a fault of a node, or of a place in the file. If a fix changes what several nodes are made of, a note
        says so."""
        if isinstance(at, Node):
            more.setdefault("node", at.path)
            nodes = self.by_definition.get(id(self.written.get(at.path)), ())
            if more.get("fix") is not None and len(nodes) > 1:
                note = f"{len(nodes)} nodes are made of what is written here, and the fix changes them all"
                more["notes"] = (*more.get("notes", ()), note)
            at = at.span
        self.collector.report(rule, message, at, **more)

    def producer(self, path: str) -> Node | None:
        """The node after a path, or None for a graph input."""
        return self.graph.nodes.get(path)

    def ops_where(self, test: Callable[[Behaviour], Any]) -> tuple[str, ...]:
        """Names of the ops in the graph whose behaviour passes a test, in order of appearance."""
        return tuple(name for name, behaviour in self.behaviours.items() if test(behaviour))

    def behaviour(self, node: Node) -> Behaviour:
        """What the op of a node does to numbers."""
        return self.behaviours[node.op]

    def drops(self, node: Node) -> bool:
        """Whether a node drops single values at random in training."""
        rate = self.behaviours[node.op].drop_rate
        return rate is not None and bool(node.arguments[rate] > 0)

    def nodes_of(self, *names: str) -> Iterator[Node]:
        """All nodes of these ops."""
        for name in names:
            yield from self.by_op.get(name, ())

    def definitions(self, *names: str) -> Iterator[tuple[NodeDef, list[Node]]]:
        """Each definition that only makes nodes of one of these ops, with the nodes it makes."""
        seen: set[int] = set()
        for node in self.nodes_of(*names):
            definition = self.written[node.path]
            nodes = self.by_definition[id(definition)]
            if len(nodes) == 1:
                yield definition, nodes
            elif id(definition) not in seen:
                seen.add(id(definition))
                if all(other.op in names for other in nodes):
                    yield definition, nodes

    def only_reader(self, path: str) -> Node | None:
        """The single node that reads `path`, where it is no output also."""
        readers = self.readers[path]
        return self.graph.nodes[readers[0]] if len(readers) == 1 and path not in self.outputs else None

    def origin(self, path: str, transparent: tuple[str, ...]) -> str:
        """The path whose values arrive at `path` through nodes of these ops alone; maybe a graph input."""
        node = self.graph.nodes.get(path)
        if node is None or node.op not in transparent:
            return path
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

    def before(self, path: str, transparent: tuple[str, ...]) -> Node | None:
        """The node after a path, looking through nodes of these ops; None for a graph input."""
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
