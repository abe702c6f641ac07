"""Starting a sweep, or joining one, and seeing its workers through to the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from specgraph.datasets.cores import usable_cores
from specgraph.errors import CommandError
from specgraph.runs.lock import RunLock
from specgraph.sweeps.ahead import look_ahead
from specgraph.sweeps.engine import load_optuna, load_study, open_storage
from specgraph.sweeps.folder import (
    STORAGE_VARIABLE,
    Record,
    SweepFolder,
    create,
    default_storage,
    new_sweep_folder,
    texts_of,
)
from specgraph.sweeps.plan import Plan
from specgraph.sweeps.source import SearchSource, refuse_unknown
from specgraph.sweeps.space import key_of
from specgraph.sweeps.worker import PARENT_VARIABLE

POLL_S = 0.2
GRACE_S = 60.0
"""How long workers have for saving what they train."""
MOST_RESTARTS = 20
PLACE_VARIABLE = "SPECGRAPH_SWEEP_WORKER"
"""The number of a worker on this machine, in its environment."""

Say = Callable[[str], None]


def begin(
    plan: Plan, source: SearchSource, *, out: str | None, storage: str | None, study: str | None, say: Say
) -> SweepFolder:
    """Check what a sweep is to try, and make its folder and its study with all trials.

    Raises `CommandError` and `SpecError`; nothing is written where the search is wrong.
    """
    load_optuna()
    refuse_unknown(plan, source)
    ahead = look_ahead(plan, say)
    first = plan.space.first()
    looked = [each for each in (ahead.queue or [first, *plan.space.probes()]) if plan.look_at(each).problem is None]
    wanted = {(found.metric.name, found.mode) for found in map(plan.wanted, looked)}
    if len(wanted) > 1:
        names = ", ".join(sorted(name for name, _ in wanted))
        raise CommandError(
            f"the settings are compared by one metric, and these have {names}", "name it: --set recipe.best=loss"
        )
    ((metric, mode),) = wanted
    epochs = max(plan.chosen(plan.graph(each), each).recipe.epochs for each in looked)
    for note in ahead.notes:
        say(note)
    graph = plan.graph(looked[0])
    path = new_sweep_folder(graph.name, out)
    spec, texts = texts_of(plan.report(looked[0]).sources)
    if storage is None:
        address = default_storage()
    else:
        address = storage if "://" in storage else os.path.abspath(storage)
    record = Record(
        study=study or f"{graph.name} {time.strftime('%Y-%m-%d %H:%M:%S')}",
        storage=address,
        direction="maximize" if mode == "max" else "minimize",
        metric=metric,
        mode=mode,
        trials=ahead.trials,
        epochs=epochs,
        spec=spec,
        plan=plan.to_plain(),
    )
    folder = create(path, record, texts)
    if folder.plan.look_at(looked[0]).identity != plan.look_at(looked[0]).identity:
        raise CommandError(f"the copy of {plan.spec} in {path} describes another network", "give the spec one folder")
    fill(folder, say)
    if ahead.discarded:
        say(f"discarded before training: {len(ahead.discarded)} settings, such as {ahead.discarded[0].why}")
    return folder


def fill(folder: SweepFolder, say: Say, trials: int | None = None) -> None:
    """See to it that the study has all its trials: those that a sweep killed at its start lacks, or more of them."""
    record = folder.record
    wanted = trials or record.trials
    optuna = load_optuna()
    with RunLock() as lock:
        try:
            lock.take(folder.path)
        except CommandError:
            return  # another process is at it
        study = load_study(open_storage(folder.storage), record.study)
        present = study.get_trials(deepcopy=False)
        if len(present) >= wanted or not record.origin:
            return
        plan = folder.plan
        plan.search = plan.search.replace(trials=wanted)
        space, states = plan.space, optuna.trial.TrialState
        queue: list[dict[str, Any]] = []
        if plan.search.sampler != "tpe":
            known = {key_of(space.decode(trial.params)) for trial in present}
            queue = [params for params in look_ahead(plan).queue if key_of(params) not in known]
        for place in range(wanted - len(present)):
            if plan.search.sampler == "tpe":
                study.add_trial(optuna.trial.create_trial(state=states.WAITING))
            elif place < len(queue):
                study.add_trial(
                    optuna.trial.create_trial(
                        state=states.WAITING, params=space.encode(queue[place]), distributions=space.distributions()
                    )
                )
        if trials is not None and len(study.get_trials(deepcopy=False)) < trials:
            say("the space has no more settings that may be trained")


class Crew:
    """The workers of a sweep on this machine, each a process. One that dies is replaced."""

    def __init__(self, folder: SweepFolder, count: int, device: str | None, *, quiet: bool) -> None:
        self.folder, self.count, self.device, self.quiet = folder, count, device, quiet
        self.address = folder.storage if "://" in folder.storage else os.path.abspath(folder.storage)
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.restarts = 0

    def run(self, say: Say) -> int:
        """Wait until they have ended. Returns 0, or the exit code of the first that did not end well."""
        try:
            for place in range(self.count):
                self._start(place)
            while self.processes:
                for place, process in [*self.processes.items()]:
                    code = process.poll()
                    if code is None:
                        continue
                    del self.processes[place]
                    if code < 0 and -code not in (signal.SIGINT, signal.SIGTERM) and self.restarts < MOST_RESTARTS:
                        self.restarts += 1
                        say(f"worker {place} was killed (signal {-code}): another one takes its place")
                        self._start(place)
                    elif code:
                        return code if code > 0 else 128 - code
                time.sleep(POLL_S)
            return 0
        finally:
            self._stop()

    def _start(self, place: int) -> None:
        share = max(usable_cores() // self.count, 1)
        environment = {**os.environ, PARENT_VARIABLE: str(os.getpid()), PLACE_VARIABLE: str(place)}
        environment[STORAGE_VARIABLE] = self.address
        environment.setdefault("OMP_NUM_THREADS", str(share))
        words = ["-m", "specgraph", "sweep", "--join", str(self.folder.path)]
        words += ["--device", self.device] if self.device else []
        words += ["--quiet"] if self.quiet else []
        self.processes[place] = subprocess.Popen(
            [sys.executable, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C comes to this process alone, which tells its workers once
        )

    def _stop(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        until = time.monotonic() + GRACE_S
        for process in self.processes.values():
            try:
                process.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def device_of(place: int, wanted: str) -> str:
    """The device of a worker: of several GPUs each has one in turn."""
    if wanted not in ("auto", "cuda"):
        return wanted
    import torch

    count = torch.cuda.device_count()
    return f"cuda:{place % count}" if count > 1 else wanted


def shown_path(path: Path) -> str:
    """A path for a command line."""
    import shlex

    return shlex.quote(str(path))
