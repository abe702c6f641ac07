"""SG922 constant-result: a node whose result is the same for every image."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from specgraph.diagnostics.model import Fix
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.model import Node
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG922",
    name="constant-result",
    severity="warning",
    summary="a node whose result is the same for every image",
    explanation="""\
The softmax of a single score is 1, whatever the score; a dropout with probability 1 passes nothing in
training. What lies in front of such a node learns nothing. For two classes, give the last layer two
outputs, or one and a sigmoid.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 1}
  softmax: softmax
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 1}
  sigmoid: sigmoid
""",
)


def _one_score(node: Node) -> bool:
    dim = node.arguments["dim"]
    return bool(node.input_types[0].dims[dim - 1 if dim > 0 else dim] == 1)


CONSTANT: dict[str, tuple[Callable[[Node], bool], str]] = {
    "softmax": (_one_score, "the softmax of one score is always 1"),
    "log_softmax": (_one_score, "the log_softmax of one score is always 0"),
    "dropout": (lambda node: node.arguments["p"] == 1, "with p: 1 nothing passes in training"),
    "stochastic_depth": (lambda node: node.arguments["p"] == 1, "with p: 1 nothing passes in training"),
}


def check(lint: Lint) -> None:
    for op, (rule, reason) in CONSTANT.items():
        for _, nodes in lint.definitions(op) if op in lint.by_op else ():
            if all(map(rule, nodes)):
                message = f"node `{nodes[0].path}` gives the same for every image: {reason}"
                lint.report("constant-result", message, nodes[0], help=_cure(nodes[0]), fix=_fix(lint, nodes[0]))


def _fix(lint: Lint, node: Node) -> Fix | None:
    """Sigmoid in the place of a softmax of one score."""
    definition = lint.written[node.path]
    target = definition.target
    if node.op != "softmax" or target is None or not target.constant or definition.arguments:
        return None
    return Fix("unsafe", (target.source.edit_word(target.span, "sigmoid"),))


def _cure(node: Node) -> str:
    if node.op.endswith("softmax"):
        return "use sigmoid for a single score, or give the layer in front an output for each class"
    return "write a smaller p"
