"""SG541 metric-of-another-task: best names a metric that the task of the recipe does not have."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.recipes.recipe import Best
from specgraph.tasks.task import LOSS_METRIC

RULE = Rule(
    code="SG541",
    name="metric-of-another-task",
    severity="error",
    summary="best names a metric that the task of the recipe does not have",
    explanation="""\
`best` picks the epoch by a metric of the task, or by `loss`. Training refuses another one.
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
    best: mean_iou
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
    best: balanced_accuracy
""",
    needs=("best",),
)


def find(trained: Trained) -> Iterator[Finding]:
    best = trained.recipe.best
    name = best.metric if isinstance(best, Best) else best
    if name is not None and trained.task.metric(name) is None:
        known = ", ".join(metric.name for metric in (*trained.task.metrics, LOSS_METRIC))
        yield Finding(
            "metric-of-another-task",
            f"the task {trained.task.name} has no metric `{name}`",
            ("best",),
            help=f"it has {known}",
        )
