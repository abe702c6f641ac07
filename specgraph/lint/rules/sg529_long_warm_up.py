"""SG529 long-warm-up: a warm-up that takes most of the training."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.kinds.shown import show
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG529",
    name="long-warm-up",
    severity="warning",
    summary="a warm-up that takes most of the training",
    explanation="""\
A warm-up brings the learning rate to its value within the first epochs: a few of them, 5 to 10 % of the
training. One that takes more than half of it leaves little time at the rate that is stated.
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
    epochs: 10
    schedule: {cosine: {warmup_epochs: 8}}
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
    epochs: 10
    schedule: {cosine: {warmup_epochs: 1}}
""",
    needs=("warm-up",),
)
LONGEST_SHARE = 0.5


def find(trained: Trained) -> Iterator[Finding]:
    schedule, epochs = trained.recipe.schedule, trained.recipe.epochs
    warmup = schedule.warmup_epochs
    if LONGEST_SHARE * epochs < warmup < epochs:
        yield Finding(
            "long-warm-up",
            f"{show(warmup)} of {epochs} epochs are warm-up",
            ("schedule", schedule.tag, "warmup_epochs"),
            help=f"usual is up to a tenth of the training: {max(1, round(0.1 * epochs))}",
        )
