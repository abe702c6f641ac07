"""SG532 normalised-scores: batch_norm of the scores themselves."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG532",
    name="normalised-scores",
    severity="info",
    summary="batch_norm of the scores themselves",
    explanation="""\
Each class then has the same mean and deviation over a batch until its scale and shift are learned, and evaluation
uses running averages: the scores of training and evaluation differ. The last layer usually has no
normalisation.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10, bias: false}
  norm: batch_norm
recipes:
  default:
    data: {name: mnist}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
""",
    needs=("last op",),
)


def find(trained: Trained) -> Iterator[Finding]:
    for path, _, behaviour in trained.heads():
        if behaviour.over_batch:
            yield Finding(
                "normalised-scores",
                f"`{path}` normalises the scores over each batch",
                help="end the network with the linear layer",
            )
