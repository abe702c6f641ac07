"""SG506 normalised-head: cross_entropy of log-probabilities."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipe_cures import SetLoss
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG506",
    name="normalised-head",
    severity="warning",
    summary="cross_entropy of log-probabilities",
    explanation="""\
`cross_entropy` applies log_softmax itself. After `log_softmax` it does so twice, which changes nothing but
costs time. `loss: nll` is the loss of log-probabilities.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
  log_softmax: log_softmax
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
  log_softmax: log_softmax
recipes:
  default:
    data: {name: mnist}
    loss: nll
""",
    needs=("last op",),
)


def find(trained: Trained) -> Iterator[Finding]:
    yield from trained.heads_before_cross_entropy(
        "normalised-head",
        lambda behaviour: behaviour.scores == "log_probabilities",
        "cross_entropy applies log_softmax itself: it is computed twice",
        "write loss: nll, or leave log_softmax out",
        SetLoss("nll"),
    )
