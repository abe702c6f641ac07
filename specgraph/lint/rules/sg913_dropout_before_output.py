"""SG913 dropout-before-output: dropout of the network's own output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.lint.context import Lint
    from specgraph.ops.behaviour import Behaviour

RULE = Rule(
    code="SG913",
    name="dropout-before-output",
    severity="warning",
    summary="dropout of the network's own output",
    explanation="""\
Dropout of the scores themselves zeroes classes at random, among them the right one, and the loss
then punishes the network for it. Dropout belongs before the last layer.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
  dropout: {op: dropout, p: 0.5}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  dropout: {op: dropout, p: 0.5}
  fc: {op: linear, out_features: 10}
""",
    needs=("random drops",),
)


def keeps_scores(behaviour: Behaviour) -> bool:
    """Whether values are the output's scores on both sides."""
    return behaviour.scores != "none" or behaviour.view in ("same", "merged")


def check(lint: Lint) -> None:
    transparent = lint.ops_where(keeps_scores)
    for name, path in lint.graph.outputs.items():
        node = lint.before(path, transparent)
        if node is not None and lint.drops(node):
            lint.report(
                "dropout-before-output",
                f"node `{node.path}` drops values of the output `{name}` itself",
                node,
                help="put it in front of the last layer",
            )
