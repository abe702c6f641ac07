"""SG524 nesterov-without-momentum: Nesterov momentum of an optimiser that has no momentum."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.recipes.optimisation import Sgd

RULE = Rule(
    code="SG524",
    name="nesterov-without-momentum",
    severity="error",
    summary="`nesterov: true`, but the momentum is 0",
    explanation="""\
Nesterov's method looks ahead along the momentum; without momentum there is nothing to look along, and PyTorch
refuses to build such an optimiser.
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
    optimizer: {sgd: {lr: 0.1, nesterov: true}}
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
    optimizer: {sgd: {lr: 0.1, momentum: 0.9, nesterov: true}}
""",
)


def find(trained: Trained) -> Iterator[Finding]:
    optimizer = trained.recipe.optimizer
    if isinstance(optimizer, Sgd) and optimizer.nesterov and not optimizer.momentum:
        yield Finding(
            "nesterov-without-momentum",
            "nesterov is true, but the momentum is 0",
            ("optimizer", optimizer.tag, "nesterov"),
            help="give a momentum, such as momentum: 0.9",
        )
