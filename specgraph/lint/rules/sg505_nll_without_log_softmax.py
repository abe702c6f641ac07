"""SG505 nll-without-log-softmax: nll needs log-probabilities."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipe_cures import SetLoss
from specgraph.lint.recipes import Finding, Trained
from specgraph.recipes.losses import Nll

RULE = Rule(
    code="SG505",
    name="nll-without-log-softmax",
    severity="error",
    summary="nll needs log-probabilities",
    explanation="""\
`nll` takes the negative of the true class's entry as the loss. That is a likelihood only of
log-probabilities; of raw scores it falls without end and nothing is learned.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
    loss: nll
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
)


def find(trained: Trained) -> Iterator[Finding]:
    if not isinstance(trained.recipe.loss, Nll):
        return
    for path, last, behaviour in trained.heads():
        if behaviour.scores != "log_probabilities":
            yield Finding(
                "nll-without-log-softmax",
                f"the loss is nll, but `{path}` ends in {last or 'no op'}, not log_softmax",
                ("loss",),
                ("nll takes log-probabilities; of raw scores it can fall without end",),
                "write loss: cross_entropy, or end the network with log_softmax",
                cure=SetLoss("cross_entropy") if behaviour.scores == "none" else None,
            )
