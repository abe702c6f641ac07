"""SG932 dropout-before-pooling: dropout of single values right before a pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG932",
    name="dropout-before-pooling",
    severity="warning",
    summary="dropout of single values right before a pooling",
    explanation="""\
A pooling takes the largest or the mean of each window, so that what dropout removed is replaced by a neighbour:
the rate that is written is not the one that acts, and in evaluation the pooling sees larger values than in
training. Put the dropout after the pooling.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3}
  relu: relu
  dropout: {op: dropout, p: 0.3}
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
)


def check(lint: Lint) -> None:
    for node in lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.pools_windows)):
        if max(node.arguments["kernel_size"]) == 1:
            continue
        first = lint.graph.nodes.get(node.inputs[0])
        if first is not None and lint.drops(first) and lint.only_reader(first.path) is not None:
            lint.report(
                "dropout-before-pooling",
                f"node `{first.path}` drops values that `{node.path}` replaces by their neighbours",
                first,
                help=f"put it after `{node.path}`",
            )
