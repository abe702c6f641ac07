"""SG922 constant-result: a node whose result is the same for every image."""

from __future__ import annotations

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
    needs=("constant op",),
)


def check(lint: Lint) -> None:
    for op in lint.ops_where(lambda behaviour: behaviour.constant):
        constant = lint.behaviours[op].constant
        for _, nodes in lint.definitions(op):
            if constant is not None and all(map(constant.test, nodes)):
                message = f"node `{nodes[0].path}` gives the same for every image: {constant.reason}"
                lint.report("constant-result", message, nodes[0], help=_cure(lint, nodes[0]), fix=_fix(lint, nodes[0]))


def _fix(lint: Lint, node: Node) -> Fix | None:
    """Sigmoid in the place of a softmax of one score."""
    definition = lint.written[node.path]
    target = definition.target
    if lint.behaviour(node).scores != "probabilities" or target is None or not target.constant or definition.arguments:
        return None
    return Fix("unsafe", (target.source.edit_word(target.span, "sigmoid"),))


def _cure(lint: Lint, node: Node) -> str:
    if lint.behaviour(node).normalises_scores:
        return "use sigmoid for a single score, or give the layer in front an output for each class"
    return "write a smaller p" if lint.behaviour(node).training_only else "change its arguments, or take the node out"
