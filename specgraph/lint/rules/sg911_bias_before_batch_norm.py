"""SG911 bias-before-batch-norm: a bias that the batch_norm after it takes away again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.model import Fix
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG911",
    name="bias-before-batch-norm",
    severity="warning",
    summary="a bias that the batch_norm behind it takes away again",
    explanation="""\
batch_norm subtracts each channel's mean, and with it whatever constant a bias has added: the bias is a
parameter that never matters, its gradient is zero. `bias: false` computes the same with fewer weights.
A bias that is written out (`bias: true`) or has an `init` of its own is there on purpose, to match a
published checkpoint for example, and is not reported.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
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
""",
    needs=("batch normalisation",),
)


def check(lint: Lint) -> None:
    norms = lint.ops_where(lambda behaviour: behaviour.over_batch)
    for definition, nodes in lint.definitions(*lint.ops_where(lambda behaviour: behaviour.linear)):
        first = nodes[0]
        if definition.states("bias") or not all(
            node.arguments.get("bias") and "bias" not in node.init for node in nodes
        ):
            continue
        readers = [lint.only_reader(node.path) for node in nodes]
        if all(reader is not None and reader.op in norms for reader in readers):
            from specgraph.cures.edits import set_argument

            edit = set_argument(definition, "bias", False)
            lint.report(
                "bias-before-batch-norm",
                f"node `{first.path}` has a bias, which `{lint.readers[first.path][0]}` subtracts again",
                first,
                help="write bias: false, or bias: true if it is meant",
                fix=Fix("unsafe", (edit,)) if edit is not None else None,
            )
