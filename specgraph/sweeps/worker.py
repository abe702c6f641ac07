"""A worker of a sweep: claims trials, one after another, and trains them."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specgraph.errors import CommandError, SpecError, line_of
from specgraph.runs.folder import best_row, is_run
from specgraph.runs.lock import RunLock
from specgraph.sweeps.draw import Discarded, as_history, draw, sampler_of, seed_of
from specgraph.sweeps.engine import load_optuna, load_study, open_storage
from specgraph.sweeps.folder import SweepFolder
from specgraph.sweeps.ledger import Claim, Ledger, Lost
from specgraph.sweeps.plan import Setting
from specgraph.sweeps.space import Params, key_of, words_of
from specgraph.tasks.task import Metric
from specgraph.training.display import Silent
from specgraph.training.divergence import DivergedRunError
from specgraph.training.signals import InterruptedRun, PrunedRun

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from specgraph.runs.run import Run
    from specgraph.training.display import Row

POLL_S = 1.0
MOST_DEATHS = 3
"""So often may the process of a trial die before the trial counts as failed."""
MOST_FAILURES = 2
"""So often may training a trial end in an error that is not the setting's own, such as a full disk."""
DRAWING = "drawing"
TURN_S = 0.05
PARENT_VARIABLE = "SPECGRAPH_SWEEP_PARENT"


class Worker:
    """One process that trains trials of a sweep until none is left."""

    def __init__(
        self,
        folder: SweepFolder,
        say: Callable[[str], None],
        *,
        device: str | None = None,
        num_workers: int | None = None,
    ) -> None:
        """`num_workers` processes decode image files."""
        self.folder, self.record, self.say = folder, folder.record, say
        self.plan = folder.plan
        self.device, self.num_workers = device, num_workers
        self.metric = Metric(self.record.metric, form="number")
        storage = open_storage(folder.storage)
        study = load_study(storage, self.record.study, self.plan.search, self.record.epochs)
        self.ledger = Ledger(study, storage, folder.path)

    def run(self) -> int:
        """Train until every trial has its result. Returns 0, or 130 or 143 after a signal, the trial saved and given
        back. Raises `CommandError` where a trial cannot be trained."""
        _end_with_parent()
        finished = load_optuna().exceptions.UpdateFinishedTrialError
        with self.ledger:
            while True:
                claim = self.ledger.claim()
                if claim is None:
                    if self.ledger.is_over():
                        return 0
                    time.sleep(POLL_S)  # another worker may die yet
                    continue
                try:
                    with self.ledger.beating(claim):
                        self._train(claim)
                except (Lost, finished):
                    self.say(f"trial {claim.number}: another worker has it now")
                except InterruptedRun as stop:
                    self.ledger.release(claim)
                    return stop.exit_code
                except BaseException:
                    self.ledger.release(claim)
                    raise

    def _train(self, claim: Claim) -> None:
        states = self.ledger.states
        if claim.count("deaths") > MOST_DEATHS:
            reason = f"its process died {claim.count('deaths')} times"
            self._end(claim, states.FAIL, None, reason=reason)
            return
        with self._turn():
            params = self._params(claim)
        if params is None:
            self._end(claim, states.FAIL, None, reason="no setting is left within the limits and the space")
            return
        run_folder = self.folder.run_folder(claim.number)
        command = self.plan.command(params)
        self.ledger.note(
            claim.id, run=str(run_folder.resolve()), command=command, costs=self.plan.look_at(params).costs
        )
        goes_on = ", goes on" if is_run(run_folder) else ""
        self.say(f"trial {claim.number}{goes_on}: {words_of(params)}")
        watch = _Watch(self, claim)
        try:
            run = self._trained(params, run_folder, watch, command)
        except PrunedRun:
            self._end(claim, states.PRUNED, watch.best(), epoch=watch.epochs)
        except DivergedRunError as fault:
            self._end(claim, states.FAIL, None, reason=fault.message)
        except (CommandError, SpecError, MemoryError, RuntimeError) as error:
            self._failed(claim, error)
        else:
            best = best_row(run.metrics, self.record.metric, self.record.mode)
            assert best is not None
            value = best[f"val_{self.record.metric}"]
            seconds = sum(row["seconds"] for row in run.metrics)
            self._end(claim, states.COMPLETE, value, epoch=int(best["epoch"]), seconds=seconds)

    def _trained(self, params: Params, run_folder: Path, watch: _Watch, command: str) -> Run:
        """Train a setting, or what is left of it."""
        from specgraph.training.api import train

        given: dict[str, Any] = {"display": watch, "num_workers": self.num_workers}
        if is_run(run_folder):
            try:
                with _command(command):
                    return train(resume=run_folder, device=self._device(), **given)
            except CommandError as fault:
                if isinstance(fault, DivergedRunError) or watch.has_begun:
                    raise
                self.say(f"{run_folder} begins again: {fault.message}")
        if run_folder.exists():
            shutil.rmtree(run_folder)
        options = {**self.plan.options, "device": self._device(), "out": str(run_folder), "report": False, **given}
        settings = {**self.plan.recipe_settings(params), "search": None}
        with _command(command):
            return train(self.plan.graph(params), settings=settings, plugins=self.plan.plugins, **options)

    def _device(self) -> str:
        return self.device or str(self.plan.options.get("device", "auto"))

    # settings ----------------------------------------------------------------------------------

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """While it lasts, no other worker of this folder draws: two would not see each other's setting."""
        with RunLock() as lock:
            while not lock.is_held:
                try:
                    lock.take(self.folder.path / DRAWING)
                except CommandError:
                    time.sleep(TURN_S)
                    continue
                break  # without a lock where the file system has none
            yield

    def _params(self, claim: Claim) -> Params | None:
        """The setting of a trial: the one that it has, else one that the sampler draws. None where none is left."""
        space = self.plan.space
        if len(claim.trial.params) == len(space.parameters):
            return space.decode(claim.trial.params)
        trials = self.ledger.trials()
        before = [Discarded(space.decode(params), why) for params, why in _discarded(trials)]
        others = [space.decode(trial.params) for trial in trials if trial.params and trial.number != claim.number]
        seed = seed_of(self.plan.search.seed, claim.number)
        known = {key_of(each.params): each.why for each in before}

        def refuse(params: Params) -> str | None:
            found: Setting = self.plan.look_at(params)
            return known.get(key_of(params)) or found.problem or found.excess

        drawn = draw(
            space,
            sampler_of(self.plan.search.sampler, seed),
            seed,
            others,
            refuse,
            direction=self.record.direction,
            history=as_history((trial for trial in trials if trial.number != claim.number), before, space),
        )
        for each in drawn.discarded:
            if key_of(each.params) not in known:
                self.say(f"discarded: {words_of(each.params)}: {each.why}")
        if drawn.discarded:
            self.ledger.note(claim.id, discarded=[[space.encode(each.params), each.why] for each in drawn.discarded])
        if drawn.params is None:
            return None
        if not self.ledger.owns(claim.id):
            raise Lost
        for name, distribution in space.distributions().items():
            kept = distribution.to_internal_repr(space.parameters[name].encode(drawn.params[name]))
            self.ledger.storage.set_trial_param(claim.id, name, kept, distribution)
        return drawn.params

    # ends --------------------------------------------------------------------------------------

    def _end(self, claim: Claim, state: Any, value: float | None, **facts: Any) -> None:
        self.ledger.finish(claim, state, value, **facts)
        shown = "" if value is None else f" {self.metric.title} {self.metric.show(value)}"
        words = {"COMPLETE": "done", "PRUNED": f"ended early, after epoch {facts.get('epoch')}", "FAIL": "failed"}
        why = f": {facts['reason']}" if "reason" in facts else ""
        self.say(f"trial {claim.number} {words[state.name]}{why}{shown and ','}{shown}")

    def _failed(self, claim: Claim, error: Exception) -> None:
        """What is not known to be the setting's own fault ends the worker; once more, it is the trial's result."""
        reason = _words(error)
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            self._end(claim, self.ledger.states.FAIL, None, reason=f"out of memory: {reason}")
            return
        failures = claim.count("failures") + 1
        if failures >= MOST_FAILURES:
            self._end(claim, self.ledger.states.FAIL, None, reason=reason)
            return
        self.ledger.note(claim.id, failures=failures)
        help = f"{error.help}; then " if isinstance(error, CommandError) and error.help else ""
        raise CommandError(
            f"trial {claim.number} cannot be trained: {reason}",
            f"{help}go on with: specgraph sweep --join {self.folder.path}",
        ) from error


class _Watch(Silent):
    """Reports each epoch to the study, and ends the trial where the pruner says so."""

    def __init__(self, worker: Worker, claim: Claim) -> None:
        optuna = load_optuna()
        self.worker, self.claim = worker, claim
        self.trial = optuna.Trial(worker.ledger.study, claim.id)
        self.reported = set(claim.trial.intermediate_values)
        self.values: list[float] = list(claim.trial.intermediate_values.values())
        self.has_begun = False
        self.epochs = 0

    def start(self, epochs: int, epochs_done: int) -> None:
        """Training begins."""
        self.has_begun = True

    def end_epoch(self, row: Row, best: bool) -> None:
        """Report the metric. Raises `PrunedRun` and `Lost`."""
        ledger, record = self.worker.ledger, self.worker.record
        if not ledger.owns(self.claim.id):
            raise Lost
        self.epochs = int(row["epoch"])
        value = float(row[f"val_{record.metric}"])
        self.values.append(value)
        if self.epochs - 1 not in self.reported:
            self.trial.report(value, self.epochs - 1)
        if self.worker.plan.search.pruner != "none" and self.trial.should_prune():
            raise PrunedRun

    def best(self) -> float:
        """The best value so far."""
        return max(self.values) if self.worker.record.mode == "max" else min(self.values)


def _discarded(trials: list[FrozenTrial]) -> Iterator[tuple[dict[str, Any], str]]:
    """Settings that were passed over when trials were drawn."""
    for trial in trials:
        yield from trial.user_attrs.get("discarded", ())


@contextmanager
def _command(command: str) -> Iterator[None]:
    """While it lasts, the command line of this process is that which trains the trial alone: its run records it."""
    import shlex

    before, sys.argv = sys.argv, shlex.split(command)
    try:
        yield
    finally:
        sys.argv = before


def _end_with_parent() -> None:
    """Have this process save and end once the one that started it has died."""
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(POLL_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="specgraph-parent", daemon=True).start()


def _words(error: Exception) -> str:
    if isinstance(error, CommandError):
        return error.message
    return line_of(error)
