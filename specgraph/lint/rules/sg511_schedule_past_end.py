"""SG511 schedule-past-end: a change of the learning rate that training never reaches."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.kinds.shown import show
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG511",
    name="schedule-past-end",
    severity="warning",
    summary="a change of the learning rate that training never reaches",
    explanation="""\
A milestone at or after the last epoch, a step as long as the whole training or a warm-up that never ends:
the schedule is not the one that was meant.
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
    schedule: {multi_step: {milestones: [5, 12]}}
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
    schedule: {multi_step: {milestones: [5, 8]}}
""",
)


def find(trained: Trained) -> Iterator[Finding]:
    name, fields = trained.recipe.schedule.tag, trained.recipe.schedule.known()
    epochs = trained.recipe.epochs
    moments: list[tuple[str, float, tuple[str | int, ...]]] = [
        ("milestone", milestone, ("milestones", index)) for index, milestone in enumerate(fields.get("milestones", ()))
    ]
    moments += [(what, fields[what], (what,)) for what in ("step_size", "period", "warmup_epochs") if what in fields]
    for what, moment, place in moments:
        if moment >= epochs:
            yield Finding(
                "schedule-past-end",
                f"{what} {show(moment)} is never reached: training ends after {epochs} epoch{'s' * (epochs != 1)}",
                ("schedule", name, *place),
                help=f"choose values below {epochs}, or train longer",
            )
