"""SG933 extreme-dropout: dropout that leaves a fifth of the values or less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.kinds.shown import show
from specgraph.lint.layers import STRONGEST_RATE, drop_rate, joint_rate

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG933",
    name="extreme-dropout",
    severity="warning",
    summary="dropout that leaves a fifth of the values or less",
    explanation="""\
Usual are 0.1 to 0.5. Above 0.8 hardly anything is left to learn from, and a value meant as the share that is
kept, as in the first version of TensorFlow, is one that is dropped here. Two dropouts in a row leave the
product of what each leaves.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 64}
  relu: relu
  dropout: {op: dropout, p: 0.9}
  fc2: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 64}
  relu: relu
  dropout: {op: dropout, p: 0.5}
  fc2: {op: linear, out_features: 10}
""",
    needs=("random drops",),
)


def check(lint: Lint) -> None:
    for node in lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.drop_rate)):
        rate = drop_rate(lint, node)
        before = lint.graph.nodes.get(node.inputs[0])
        if before is not None and lint.drops(before) and lint.drops(node):
            both = joint_rate(lint, before, node)
            lint.report(
                "extreme-dropout",
                f"node `{node.path}` drops a second time: with `{before.path}`, {both:.3g} of the values are dropped",
                node,
                help="remove one of the two",
                fix=lint.removals.node(lint.written[node.path]),
            )
        elif STRONGEST_RATE < rate < 1:
            lint.report(
                "extreme-dropout",
                f"node `{node.path}` drops {show(rate)} of the values",
                node,
                help=f"if {show(rate)} is the share to keep, write p: {1 - rate:.3g}",
            )
