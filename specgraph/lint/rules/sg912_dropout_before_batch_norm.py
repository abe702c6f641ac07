"""SG912 dropout-before-batch-norm: dropout directly in front of a batch_norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.diagnostics.model import Fix
    from specgraph.graph.model import Node
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG912",
    name="dropout-before-batch-norm",
    severity="warning",
    summary="dropout directly in front of a batch_norm",
    explanation="""\
Dropout raises the variance of what it passes in training and not in evaluation, so the statistics
that the batch_norm behind it has gathered are wrong at test time (Li et al. 2018, "disharmony by
variance shift"). Put the dropout behind the last batch_norm.
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
)
TRANSPARENT = frozenset(["identity", "flatten", "relu", "max_pool", "avg_pool"])
ACTIVATIONS = frozenset(["relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid", "selu", "mish"])


def check(lint: Lint) -> None:
    if "dropout" not in lint.by_op:
        return
    for node in lint.nodes_of("batch_norm"):
        first = lint.before(node.inputs[0], TRANSPARENT)
        if first is not None and first.op == "dropout" and first.arguments["p"] > 0:
            lint.report(
                "dropout-before-batch-norm",
                f"node `{first.path}` shifts the variance that `{node.path}` learns in training",
                first,
                help=f"move it behind `{node.path}`",
                fix=_moved(lint, first, node),
            )


def _moved(lint: Lint, dropout: Node, norm: Node) -> Fix | None:
    """The fix that moves the dropout behind the norm, and behind the activation that follows it."""
    after = lint.only_reader(norm.path)
    target = after if after is not None and after.op in ACTIVATIONS and after.inputs == (norm.path,) else norm
    if lint.only_reader(target.path) is None:
        return None
    return lint.removals.moved_after(lint.written[dropout.path], lint.written[target.path])
