"""Runs the rules on what was built: those of graphs (SG9xx), of recipes (SG5xx), and of files of blocks alone."""

from __future__ import annotations

from specgraph.elaboration.build import GraphBuilder
from specgraph.graph.model import Graph
from specgraph.lint.context import Lint
from specgraph.lint.needs import OF_NETWORKS, rules_on


def check_rules(builder: GraphBuilder, graph: Graph | None, data_dir: str | None = None) -> None:
    """Report into the builder's collector what the rules find. Where there are errors, none but the rules of
    recipes run, and they only if the network itself has no error. `data_dir` is a folder of images to look at."""
    document, collector = builder.document, builder.collector
    if graph is None:
        if document.body is None and document.blocks and not document.inputs and not collector.has_errors:
            nothing = Graph("", "", {}, {}, {}, {}, {}, {})
            run_library_rules(Lint(nothing, document, {}, collector))
    elif not collector.has_errors:
        run_rules(Lint(graph, document, builder.elaborator.paths.nodes, collector), data_dir)
    elif builder.has_wrong_recipes_only:
        from specgraph.lint.recipes import check_recipes

        lint = Lint(graph, document, builder.elaborator.paths.nodes, collector)
        check_recipes(lint, {**graph.recipes, **builder.partial_recipes}, data_dir)


def run_rules(lint: Lint, data_dir: str | None = None) -> None:
    """Run every rule of the graph and of its recipes."""
    for check in rules_on("SG9", "check", lint, OF_NETWORKS):
        check(lint)
    if lint.graph.recipes:
        from specgraph.lint.recipes import check_recipes

        check_recipes(lint, lint.graph.recipes, data_dir)


def run_library_rules(lint: Lint) -> None:
    """Run the rules that need no graph."""
    for check in rules_on("SG9", "check", lint, OF_NETWORKS, libraries=True):
        check(lint)
