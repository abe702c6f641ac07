"""What a sweep found: its trials as plain data, the best of them, and a table for people."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from specgraph.analysis.summary_table import layout_table, show_count
from specgraph.sweeps.engine import load_study, open_storage
from specgraph.sweeps.folder import SweepFolder
from specgraph.sweeps.plan import Plan
from specgraph.sweeps.space import Params, short_names, show_value, words_of
from specgraph.tasks.task import Metric

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

STATES = {"COMPLETE": "done", "PRUNED": "ended early", "FAIL": "failed", "RUNNING": "running", "WAITING": "waiting"}


class TrialResult(NamedTuple):
    """A trial: `value` is the metric of its best epoch on the validation set, None where it has none; `reason` says why
    it failed."""

    number: int
    state: str
    params: Params
    value: float | None
    epoch: int | None
    seconds: float | None
    costs: dict[str, float]
    run: str
    command: str
    reason: str | None
    epochs: dict[int, float]


class Results(NamedTuple):
    """All trials in order, the metric by which they are compared, and the settings that were discarded."""

    metric: Metric
    mode: str
    parameters: tuple[str, ...]
    trials: list[TrialResult]
    discarded: list[tuple[Params, str]]
    study: str

    def best(self) -> TrialResult | None:
        """The best trial that was trained to its end; None if there is none."""
        done = [trial for trial in self.trials if trial.state == "done" and trial.value is not None]
        sign = 1 if self.mode == "max" else -1
        return max(done, key=lambda trial: sign * (trial.value or 0.0)) if done else None

    def ranked(self) -> list[TrialResult]:
        """The trials from best to worst; those without a value last."""
        sign = -1 if self.mode == "max" else 1
        order = {"done": 0, "ended early": 1}
        return sorted(
            self.trials,
            key=lambda trial: (
                order.get(trial.state, 2), trial.value is None, sign * (trial.value or 0.0), trial.number
            ),
        )  # fmt: skip

    def count(self, state: str) -> int:
        """How many trials are in a state."""
        return sum(trial.state == state for trial in self.trials)


def read_results(folder: SweepFolder) -> Results:
    """What the study of a sweep holds. Raises `CommandError`."""
    plan, record = folder.plan, folder.record
    study = load_study(open_storage(folder.storage), record.study)
    trials = study.get_trials(deepcopy=False)
    discarded: dict[str, tuple[Params, str]] = {}
    for trial in trials:
        for params, why in trial.user_attrs.get("discarded", ()):
            decoded = plan.space.decode(params)
            discarded.setdefault(words_of(decoded), (decoded, why))
    metric = _metric(plan, trials, record.metric)
    found = [_result(trial, plan) for trial in trials]
    return Results(metric, record.mode, tuple(plan.space.parameters), found, [*discarded.values()], record.study)


def _metric(plan: Plan, trials: list[FrozenTrial], name: str) -> Metric:
    try:
        shown = plan.wanted(next(plan.space.decode(trial.params) for trial in trials if trial.params)).metric
    except (StopIteration, AssertionError):
        return Metric(name, form="number")
    return shown if shown.name == name else Metric(name, form="number")


def _result(trial: FrozenTrial, plan: Plan) -> TrialResult:
    attributes = trial.user_attrs
    return TrialResult(
        trial.number,
        STATES[trial.state.name],
        plan.space.decode(trial.params),
        trial.value if trial.state.is_finished() else None,
        attributes.get("epoch"),
        attributes.get("seconds"),
        attributes.get("costs", {}),
        _from_here(attributes.get("run", "")),
        attributes.get("command", ""),
        attributes.get("reason"),
        dict(sorted((epoch + 1, value) for epoch, value in trial.intermediate_values.items())),
    )


def _from_here(path: str) -> str:
    """A path from the current folder, where it is below that."""
    here = os.path.relpath(path) if path else ""
    return path if here.startswith("..") else here


def results_table(results: Results) -> str:
    """The trials from best to worst, as text."""
    short = short_names(results.parameters)
    headings = ["trial", *short.values(), results.metric.title, "epoch", "parameters", "multiply-adds", "time", ""]
    rows = []
    for trial in results.ranked():
        cells = [show_value(trial.params[name]) if name in trial.params else "" for name in results.parameters]
        seconds = "" if trial.seconds is None else f"{trial.seconds:.1f} s"
        costs = [show_count(round(trial.costs.get(name, 0))) for name in ("parameters", "multiply_adds")]
        value = "" if trial.value is None else results.metric.show(trial.value)
        epoch = "" if trial.epoch is None else str(trial.epoch)
        state = "" if trial.state == "done" else trial.state + (f": {trial.reason}" if trial.reason else "")
        rows.append([str(trial.number), *cells, value, epoch, *costs, seconds, state])
    right = [True] * (len(headings) - 1) + [False]
    return "\n".join(layout_table(headings, rows, right))


def conclusion(results: Results) -> list[str]:
    """The best settings and what to do with them, in lines."""
    counts = [f"{results.count(state)} {state}" for state in STATES.values() if results.count(state)]
    lines = [f"{len(results.trials)} trials: {', '.join(counts)}"]
    if results.discarded:
        lines.append(f"{len(results.discarded)} settings were discarded before training")
    best = results.best()
    if best is not None and best.value is not None:
        shown = results.metric.show(best.value)
        lines.append(f"best: trial {best.number}, validation {results.metric.title} {shown}: {words_of(best.params)}")
        lines += [f"run: {best.run}", f"alone: {best.command}"]
    return lines


def to_plain(results: Results) -> dict[str, Any]:
    """As plain data, what `result.json` holds."""
    best = results.best()
    return {
        "version": 1,
        "study": results.study,
        "metric": results.metric.name,
        "mode": results.mode,
        "best": None if best is None else _plain(best),
        "trials": [_plain(trial) for trial in results.trials],
        "discarded": [{"params": params, "reason": why} for params, why in results.discarded],
    }


def _plain(trial: TrialResult) -> dict[str, Any]:
    return {key: value for key, value in trial._asdict().items() if value is not None}
