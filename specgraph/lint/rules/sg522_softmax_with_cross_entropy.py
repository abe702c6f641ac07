"""SG522 softmax-with-cross-entropy: cross_entropy of probabilities."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG522",
    name="softmax-with-cross-entropy",
    severity="error",
    summary="cross_entropy of probabilities",
    explanation="""\
`cross_entropy` applies log_softmax to the scores it is given. Probabilities lie in 0..1, so that the loss
of ten classes cannot fall below 1.46 however sure the network is, and gradients nearly vanish. End the
network with the scores themselves, or with `log_softmax` and `loss: nll`.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
  softmax: softmax
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
    yield from trained.heads_before_cross_entropy(
        "softmax-with-cross-entropy",
        lambda behaviour: behaviour.scores == "probabilities",
        "cross_entropy applies log_softmax itself; of probabilities its gradients nearly vanish",
        "remove softmax from the network, or end it with log_softmax and write loss: nll",
    )
