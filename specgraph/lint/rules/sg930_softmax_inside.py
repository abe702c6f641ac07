"""SG930 softmax-inside: probabilities that another layer reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.lint.layers import weighted_readers

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG930",
    name="softmax-inside",
    severity="warning",
    summary="probabilities that another layer reads",
    explanation="""\
A softmax makes the features of a layer compete: all but the largest come out near zero, and so do their
gradients. It belongs at the end of a network, or on weights that multiply something, as in attention. Between
layers, use relu or another activation that takes each feature by itself.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 64}
  softmax: softmax
  fc2: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 64}
  relu: relu
  fc2: {op: linear, out_features: 10}
""",
    needs=("normalised scores",),
)


def check(lint: Lint) -> None:
    for _, nodes in lint.definitions(*lint.ops_where(lambda behaviour: behaviour.normalises_scores)):
        readers = [weighted_readers(lint, node) for node in nodes]
        if all(readers):
            lint.report(
                "softmax-inside",
                f"node `{nodes[0].path}` makes probabilities, which the layer `{readers[0][0].path}` reads",
                nodes[0],
                help="use relu between layers",
            )
