"""Runs the rules that look at a finished graph: one file each, with a function `check(lint)`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Span
from specgraph.diagnostics.rule import rule_modules
from specgraph.graph.model import Graph, Node
from specgraph.spec.document import Document, NodeDef


class Lint:
    """What a rule sees: the graph, how each node was written, the file, and where to report.

    `written` maps a node's path to its definition in the spec (one definition may stand behind many
    nodes); `readers` maps paths to the paths that read them.
    """

    def __init__(
        self, graph: Graph, document: Document, written: dict[str, NodeDef], collector: Collector
    ) -> None:
        self.graph = graph
        self.document = document
        self.written = written
        self.collector = collector
        self.readers = graph.readers()

    def report(self, rule: str, message: str, at: Node | Span, **more: Any) -> None:
        """Report a fault of a node, or of a place in the file."""
        if isinstance(at, Node):
            more.setdefault("node", at.path)
            at = at.span
        self.collector.report(rule, message, at, **more)

    def producer(self, path: str) -> Node | None:
        """The node behind a path, or None for a graph input."""
        return self.graph.nodes.get(path)


Check = Callable[[Lint], None]


def run_rules(lint: Lint) -> None:
    """Run every rule of the graph (SG9xx) and of the recipes (SG5xx)."""
    for code, name in rule_modules().items():
        if code.startswith(("SG5", "SG9")):
            module = import_module(f"specgraph.diagnostics.rules.{code.lower()}_{name.replace('-', '_')}")
            check: Check | None = getattr(module, "check", None)
            if check is not None:
                check(lint)
    if lint.graph.recipes:
        try:
            from specgraph.training.check_recipe import check_recipes
        except ModuleNotFoundError:
            return
        check_recipes(lint)
