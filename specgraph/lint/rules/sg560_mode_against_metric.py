"""SG560 mode-against-metric: best picks the epoch where its metric is worst."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.recipes.recipe import Best

RULE = Rule(
    code="SG560",
    name="mode-against-metric",
    severity="warning",
    summary="best picks the epoch where its metric is worst",
    explanation="""\
Each metric knows whether more of it is better, as of an accuracy, or less, as of a loss. A `mode` that says the
opposite keeps the weights of the worst epoch, and early stopping waits for the metric to get worse.
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
    best: {metric: accuracy, mode: min}
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
    best: {metric: accuracy}
""",
    needs=("best",),
)


def find(trained: Trained) -> Iterator[Finding]:
    best = trained.recipe.best
    metric = trained.task.metric(best.metric) if isinstance(best, Best) else None
    if isinstance(best, Best) and metric is not None and best.mode not in (None, metric.mode):
        better = "more" if metric.mode == "max" else "less"
        yield Finding(
            "mode-against-metric",
            f"`mode: {best.mode}` keeps the epoch with the worst `{metric.name}`, of which {better} is better",
            ("best", "mode"),
            help=f"write mode: {metric.mode}, or leave it out",
        )
