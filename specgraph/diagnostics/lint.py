"""Runs the rules that look at a finished graph: one file each, with a function `check(lint)`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Span
from specgraph.diagnostics.rule import functions_of_rules
from specgraph.graph.model import Graph, Node
from specgraph.spec.document import BlockDef, Body, Document, NodeDef
from specgraph.spec.values import Written

if TYPE_CHECKING:
    from specgraph.diagnostics.cures.removal import Removals


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
            from specgraph.diagnostics.cures.removal import Removals

            self._removals = Removals(self.document)
        return self._removals

    def names(self, node: Node, argument: str) -> Span:
        """Where an argument of a node is written, or the node itself where it is not."""
        given = self.written[node.path].arguments.get(argument)
        return node.span if given is None else given[1].span


def is_constant(definition: NodeDef) -> bool:
    """Whether a node is written without expressions, so that all its instances are alike."""
    target = definition.target
    return target is not None and target.constant and all(value.constant for _, value in definition.arguments.values())


def bodies(document: Document) -> Iterator[tuple[BlockDef | None, Body]]:
    """Every scope of a file as written, with the block it belongs to, chains inside included."""
    starts: list[tuple[BlockDef | None, Body]] = [(block, block.body) for block in document.blocks.values()]
    if document.body is not None:
        starts.append((None, document.body))
    for block, body in starts:  # which grows meanwhile
        yield block, body
        starts += [(block, node.body) for node in body.nodes if node.body is not None]


def written_values(node: NodeDef) -> Iterator[Written]:
    """Everything a node says that may be an expression, its name apart."""
    for value in (node.target, node.sources, node.repeat, node.when, node.expect, node.share):
        if value is not None:
            yield value
    for _, value in (*node.arguments.values(), *node.init.values()):
        yield value
    if node.defaults is not None:
        for part in (node.defaults.arguments, node.defaults.init):
            for entries in part.values():
                for _, value in entries.values():
                    yield value


def names_used(values: Iterator[Written] | list[Written]) -> set[str]:
    """Bare names in the expressions of some values."""
    return {name for value in values if not value.constant for part in value.templates() for name in part.names}


def names_in(body: Body) -> set[str]:
    """Bare names in the expressions of a scope and the chains inside it."""
    found: set[str] = set()
    for node in body.nodes:
        found |= names_used(written_values(node))
        if node.name_template is not None:
            found |= node.name_template.names
        if node.body is not None:
            found |= names_in(node.body)
    return found


def run_rules(lint: Lint) -> None:
    """Run every rule of the graph (SG9xx) and of the recipes (SG5xx); none where there are errors."""
    if lint.collector.has_errors:
        return
    for check in functions_of_rules("SG9", "check"):
        check(lint)
    if lint.graph.recipes:
        from specgraph.diagnostics.recipes import check_recipes

        check_recipes(lint, lint.graph.recipes)


def run_library_rules(lint: Lint) -> None:
    """Run the rules that need no graph."""
    for check in functions_of_rules("SG9", "check", lambda rule: rule.for_libraries):
        check(lint)
