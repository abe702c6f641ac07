"""SG932 dropout-before-pooling: dropout of single values right before a pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.lint.layers import distorts, is_regularised_twice, joint_rate

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG932",
    name="dropout-before-pooling",
    severity="warning",
    summary="dropout of single values right before a pooling",
    explanation="""\
In training, dropout enlarges the values it keeps, and the pooling takes the largest of them: with half the values
dropped and windows of 2x2 it gives a fifth more than in evaluation, with 9 values in a window almost half more. The
rate that acts is another than the written one, too. Measured on digits, networks with a rate of 0.5 at most judge
as well as with the dropout after the pooling, and the rule informs; above, it warns: their probabilities are far
off. An average keeps its mean and is not affected as much: it is only reported as information. Where a second
dropout follows the pooling, and hardly a fifth is left of a map that has a batch_norm, both can go: with batch_norm,
networks do without dropout (Ioffe and Szegedy 2015, "Batch Normalization", section 4.2.1).
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3}
  relu: relu
  dropout: {op: dropout, p: 0.7}
  pool: {op: max_pool, kernel_size: 2}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3}
  relu: relu
  pool: {op: max_pool, kernel_size: 2}
  dropout: {op: dropout, p: 0.3}
  conv2: {op: conv, out_channels: 8, kernel_size: 3}
""",
    needs=("random drops", "pooling"),
)


def check(lint: Lint) -> None:
    for node in lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.pools_windows)):
        if max(node.arguments["kernel_size"]) == 1:
            continue
        first = lint.graph.nodes.get(node.inputs[0])
        if first is not None and lint.drops(first) and lint.only_reader(first.path) is not None:
            second = lint.only_reader(node.path)
            if second is not None and lint.drops(second) and is_regularised_twice(lint, first, second):
                share = f"{joint_rate(lint, first, second):.0%}".replace("%", " %")
                help = f"remove it and `{second.path}`: together they drop {share} of a map that has a batch_norm"
                fix = lint.removals.both(lint.written[first.path], lint.written[second.path])
            else:
                help = f"put it after `{node.path}`"
                fix = lint.removals.moved_after(lint.written[first.path], lint.written[node.path])
            lint.report(
                "dropout-before-pooling",
                f"node `{first.path}` drops values that `{node.path}` replaces by their neighbours",
                first,
                help=help,
                fix=fix,
                severity="warning" if distorts(lint, first, node) else "info",
            )
