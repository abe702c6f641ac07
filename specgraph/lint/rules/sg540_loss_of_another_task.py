"""SG540 loss-of-another-task: a loss that the task of the recipe does not have."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG540",
    name="loss-of-another-task",
    severity="error",
    summary="a loss that the task of the recipe does not have",
    explanation="""\
Each task has its losses: classes are learnt by `cross_entropy`, labels by `binary_cross_entropy`, numbers by
`mse`. Training refuses a loss of another task.
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
    task: classification
    loss: mse
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
    task: classification
    loss: cross_entropy
""",
)


def find(trained: Trained) -> Iterator[Finding]:
    reason = trained.task.refuse_loss(trained.recipe.loss)
    if reason is not None:
        yield Finding("loss-of-another-task", reason, ("loss",), help=f"write {trained.task.default_loss.tag}")
