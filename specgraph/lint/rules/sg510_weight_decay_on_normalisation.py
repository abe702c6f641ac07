"""SG510 weight-decay-on-normalisation: weight decay shrinks the parameters of normalisation."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.kinds.shown import show
from specgraph.lint.recipes import Finding, Trained
from specgraph.ops.registry import ops

RULE = Rule(
    code="SG510",
    name="weight-decay-on-normalisation",
    severity="info",
    summary="weight decay shrinks the parameters of normalisation",
    explanation="""\
The layer that follows a normalisation undoes the scale, so decaying it only changes the effective rate;
sparing normalisation and biases is usual in good recipes, while most published ones decay everything.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, bias: false}
  bn: batch_norm
  relu: relu
  pool: global_avg_pool
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
    optimizer: {sgd: {lr: 0.02, momentum: 0.9, weight_decay: 1e-4}}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, bias: false}
  bn: batch_norm
  relu: relu
  pool: global_avg_pool
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
    optimizer: {sgd: {lr: 0.02, momentum: 0.9, weight_decay: 1e-4, no_decay: [norm, bias]}}
""",
    needs=("weight decay",),
)


def find(trained: Trained) -> Iterator[Finding]:
    optimizer = trained.recipe.optimizer
    if not optimizer.weight_decay or "norm" in optimizer.no_decay:
        return
    known = ops()
    layers = (node for node in trained.graph.nodes.values() if node.parameters)
    norm = next((node for node in layers if known[node.op].family == "normalisation"), None)
    if norm is not None:
        yield Finding(
            "weight-decay-on-normalisation",
            f"weight decay {show(optimizer.weight_decay)} also shrinks normalisation such as `{norm.path}`",
            ("optimizer", optimizer.tag, "weight_decay"),
            help="leave normalisation and biases alone: no_decay: [norm, bias]",
        )
