"""SG925 input-as-output: an output is an input unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG925",
    name="input-as-output",
    severity="warning",
    summary="an output is an input as it comes",
    explanation="""\
No node stands between the two: the network hands back what it was given. Either the wrong name stands
under `outputs`, or every node is absent (`when`, `repeat: 0`) or there in training only.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
vars: {activate: false}
nodes:
  relu: {op: relu, when: $activate}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
vars: {activate: true}
nodes:
  relu: {op: relu, when: $activate}
""",
)


def check(lint: Lint) -> None:
    document = lint.document
    tree = document.section("outputs") or document.section("nodes") or document.tree
    for name, path in lint.graph.outputs.items():
        if path not in lint.graph.inputs or path in lint.graph.nodes:
            continue
        if document.outputs is None:
            message = f"no node is present in evaluation: the output is the input `{path}` as it comes"
            help = "make a node present, or give `outputs`"
        else:
            message, help = f"output `{name}` is the input `{path}` as it comes", "name a node instead"
        lint.report("input-as-output", message, document.source.span(tree), help=help)
