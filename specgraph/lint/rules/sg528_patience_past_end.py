"""SG528 patience-past-end: early stopping that can never stop training."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG528",
    name="patience-past-end",
    severity="warning",
    summary="early stopping that can never stop training",
    explanation="""\
Training stops early after `patience` epochs without improvement. The first epoch always improves, so a
patience of the number of epochs less one, or more, never comes into effect.
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
    epochs: 5
    early_stopping: {patience: 5}
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
    epochs: 50
    early_stopping: {patience: 5}
""",
    needs=("early stopping",),
)


def find(trained: Trained) -> Iterator[Finding]:
    stopping, epochs = trained.recipe.early_stopping, trained.recipe.epochs
    if stopping is not None and stopping.patience >= epochs - 1:
        patience = stopping.patience
        yield Finding(
            "patience-past-end",
            f"patience {patience} never stops training, which ends after {epochs} epoch{'s' * (epochs != 1)}",
            ("early_stopping", "patience"),
            (f"the earliest stop is after epoch 1 + {patience} = {1 + patience}",),
            f"choose a patience below {epochs - 1}, or train longer" if epochs > 2 else "train longer",
        )
