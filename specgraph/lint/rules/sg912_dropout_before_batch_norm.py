"""SG912 dropout-before-batch-norm: dropout directly before a batch_norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.lint.layers import distorts

if TYPE_CHECKING:
    from specgraph.diagnostics.model import Fix
    from specgraph.graph.model import Node
    from specgraph.lint.context import Lint
    from specgraph.ops.behaviour import Behaviour

RULE = Rule(
    code="SG912",
    name="dropout-before-batch-norm",
    severity="warning",
    summary="dropout directly in front of a batch_norm",
    explanation="""\
Dropout raises the variance of what it passes in training and not in evaluation, so the statistics
that the batch_norm after it has gathered are wrong at test time (Li et al. 2018, "disharmony by
variance shift"). Put the dropout after the last batch_norm.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, padding: 1, bias: false}
  dropout: {op: dropout, p: 0.3}
  bn: batch_norm
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, padding: 1, bias: false}
  bn: batch_norm
  relu: relu
  dropout: {op: dropout, p: 0.3}
  head: {op: conv, out_channels: 10, kernel_size: 1}
""",
    needs=("random drops", "batch normalisation"),
)


def keeps_shift(behaviour: Behaviour) -> bool:
    """Whether the larger variance of values that were dropped arrives on the other side: moved, cut at zero
    or pooled, but not squeezed into an interval."""
    moves = behaviour.view in ("same", "merged") or behaviour.pools_windows
    return moves or (behaviour.cuts and not behaviour.is_bounded)


def check(lint: Lint) -> None:
    transparent = lint.ops_where(keeps_shift)
    for node in lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.over_batch)):
        first = lint.before(node.inputs[0], transparent)
        if first is not None and lint.drops(first):
            lint.report(
                "dropout-before-batch-norm",
                f"node `{first.path}` shifts the variance that `{node.path}` learns in training",
                first,
                help=f"move it behind `{node.path}`",
                fix=_moved(lint, first, node),
            )


def activates(lint: Lint, node: Node) -> bool:
    """Whether a node is an activation without parameters."""
    behaviour = lint.behaviour(node)
    return behaviour.pointwise and behaviour.joins == "none" and not behaviour.is_idle and not node.parameters


def _moved(lint: Lint, dropout: Node, norm: Node) -> Fix | None:
    """The fix that moves the dropout after the norm, the activation that follows it, and a pooling that it would
    distort."""
    after = lint.only_reader(norm.path)
    target = after if after is not None and activates(lint, after) and after.inputs == (norm.path,) else norm
    pool = lint.only_reader(target.path)
    if pool is None:
        return None
    if lint.behaviour(pool).pools_windows and distorts(lint, dropout, pool):
        if lint.only_reader(pool.path) is None:
            return None
        target = pool
    return lint.removals.moved_after(lint.written[dropout.path], lint.written[target.path])
