"""Sweeps as processes, and what their studies hold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from specgraph.errors import CommandError
from specgraph.sweeps.engine import load_study, open_storage
from specgraph.sweeps.folder import SweepFolder, is_sweep, open_folder
from specgraph.sweeps.leader import begin
from specgraph.sweeps.plan import Plan
from specgraph.sweeps.results import Results, read_results
from specgraph.sweeps.source import read_search
from specgraph.sweeps.worker import Worker

PATIENCE_S = 240


def start(*arguments: str) -> subprocess.Popen[str]:
    """`specgraph sweep ARGUMENTS` on the CPU, in the background."""
    return subprocess.Popen(
        [sys.executable, "-m", "specgraph", "sweep", *arguments, "--device", "cpu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, output and errors of a process, once it has ended."""
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    return process.returncode, out, err


def trials(folder: Path) -> list[Any]:
    """The trials of a sweep's study now; none before there is one."""
    if not is_sweep(folder):
        return []
    found = open_folder(folder)
    return load_study(open_storage(found.storage), found.record.study).get_trials(deepcopy=False)


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    """What a condition gives, once that is true."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def kill_a_worker(folder: Path, process: subprocess.Popen[str]) -> None:
    """Kill a process while it trains a trial: one that has ended it in the meantime goes on, and another is taken."""
    from optuna.exceptions import StorageInternalError

    while True:
        pid = wait_for(lambda: running_pid(folder), process)
        os.kill(pid, signal.SIGSTOP)
        try:
            is_training = pid in running_pids(folder)
        except (CommandError, StorageInternalError):  # it was stopped while it wrote, and holds the lock of the study
            is_training = False
        if is_training:
            os.kill(pid, signal.SIGKILL)
            return
        os.kill(pid, signal.SIGCONT)


def running_pid(folder: Path) -> int | None:
    """One of `running_pids`, if there is any."""
    return next(iter(running_pids(folder)), None)


def running_pids(folder: Path) -> list[int]:
    """The processes of trials that have saved a checkpoint and are being trained."""
    found = []
    for trial in trials(folder):
        owner, run = trial.user_attrs.get("owner"), trial.user_attrs.get("run")
        if trial.state.name == "RUNNING" and owner and run and any(Path(run, "checkpoints").glob("*.ckpt")):
            found.append(int(owner["pid"]))
    return found


def assert_whole(folder: Path, count: int) -> Results:
    """A sweep has so many results, each of one trial with a run of its own, and none twice."""
    results = read_results(open_folder(folder))
    assert [trial.number for trial in results.trials] == list(range(count))
    assert {trial.state for trial in results.trials} <= {"done", "ended early"}
    assert Counter(Path(trial.run).name for trial in results.trials).most_common(1)[0][1] == 1
    assert sorted(path.name for path in folder.glob("trial-*")) == [f"trial-{n:03d}" for n in range(count)]
    return results


def begin_here(folder: str = "sw", **more: Any) -> tuple[SweepFolder, list[str]]:
    """Begin a sweep of `net.yaml` by `search.yaml`, and what was said."""
    said: list[str] = []
    source = read_search("search.yaml")
    options = {"device": "cpu", **more.pop("options", {})}
    plan = Plan("net.yaml", source.search, fixed=more.pop("fixed", {}), options=options)
    more = {"out": folder, "storage": None, "study": None, **more}
    return begin(plan, source, say=said.append, **more), said


def sweep_here(**more: Any) -> tuple[Results, list[str]]:
    """Run a whole sweep in this process, by one worker."""
    folder, said = begin_here(**more)
    assert Worker(folder, said.append, num_workers=0).run() == 0
    return read_results(folder), said
