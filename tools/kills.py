"""Kill training again and again, and see whether anything is lost.

    python tools/kills.py [--random 200] [--boundaries N] [--only NAMES] [--seed 0]

Two campaigns. *Random*: for each small spec of `kills_victims.py`, which are of every task, real `specgraph train`
processes get SIGKILL at random moments, mid-epoch, in a save, in the final report, and are resumed until the run is
finished; the next run starts afresh, until the spec's share of the kills is reached. *Boundaries*: for every kind of
file a run writes (environment, spec, checkpoint, metrics, best and last weights, result, curves, report) and every
system call by which it is saved (open, write in two halves, fsync, rename, open and fsync of the folder; unlink of an
old checkpoint), a process ends (`os._exit`, as suddenly as SIGKILL) right before the call, and another right after it;
then the run is resumed. `--boundaries N` takes the first N of them only.

After every kill no checkpoint, weights or table may be half-written; after every finished run the final
weights, the best weights and the metrics (timing aside) must equal an uninterrupted run's bit for bit.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import importlib
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))


from specgraph.cli.main import main as specgraph_main
from tools.kills_victims import VICTIMS

# Loaded once, before forking: a run imports them when it needs them.
LOADED = (
    *("specgraph.training.api", "specgraph.training.report", "specgraph.datasets.load"),
    *("matplotlib.backends.backend_agg", "tensorboard.summary.writer.event_file_writer", "pygraphviz"),
)
for module in LOADED:
    with contextlib.suppress(ImportError):
        importlib.import_module(module)

TIMING = ("seconds", "images_per_second")
COMPARED = ("last.safetensors", "best.safetensors")
KILLED = 9
SAVES = {  # the kinds of file, and which of its saves is struck: there is an older file where there can be one
    "environment.json": 1,
    "spec.yaml": 1,
    ".ckpt": 3,
    "metrics.csv": 2,
    "best.safetensors": 2,
    "last.safetensors": 1,
    "result.json": 1,
    "curves.png": 1,
    "report.html": 1,
    "old checkpoint": 1,
}
MOST_BOUNDARIES = 100  # of one save; it ends when a run is no longer struck


class Strike(NamedTuple):
    """Where a process ends: at a boundary (from 1) of the save of a kind of file."""

    kind: str
    boundary: int


def command(spec: Path, folder: Path, *, resume: bool, report: bool = False) -> list[str]:
    """Arguments of `specgraph` that start or continue the run."""
    where = ["--resume", str(folder)] if resume else [str(spec), "--out", str(folder)]
    options = [] if report else ["--no-report"]
    return ["train", *where, "--device", "cpu", *options, "--quiet", "--checkpoint-every", "0.02"]


def run(arguments: list[str], *, kill_after: float | None = None, strike: Strike | None = None) -> int:
    """Run `specgraph` in a process of its own, forked from this one so that it starts at once.

    It is killed after `kill_after` seconds, or ends itself where `strike` says. Gives the exit code, -9
    where it was killed.
    """
    child = os.fork()
    if child == 0:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        if strike is not None:
            end_at(strike)
        os._exit(specgraph_main(arguments))
    deadline = None if kill_after is None else time.perf_counter() + kill_after
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        if deadline is not None and time.perf_counter() > deadline:
            os.kill(child, signal.SIGKILL)
            deadline = None
        time.sleep(0.001)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, KILLED, -signal.SIGKILL):
        raise SystemExit(f"exit code {code}: specgraph {' '.join(arguments)}")
    return code


def end_at(strike: Strike) -> None:
    """Make this process end, as suddenly as by SIGKILL, at one boundary of a system call by which a
    file is saved: before it, or after it; writes count as two."""
    import specgraph.atomic_files as files

    saves_left, boundaries_left, struck = SAVES[strike.kind], strike.boundary, False

    def begin(name: str) -> None:
        nonlocal saves_left, struck
        saves_left -= strike.kind in name
        struck = strike.kind in name and saves_left == 0

    def tick() -> None:
        nonlocal boundaries_left
        boundaries_left -= struck
        if struck and boundaries_left == 0:
            os._exit(KILLED)

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            tick()
            result = function(*args, **options)
            tick()
            return result

        return call

    class Saving:
        replace = staticmethod(counted(os.replace))
        fsync = staticmethod(counted(os.fsync))
        open = staticmethod(counted(os.open))

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

    class Writer(io.FileIO):
        def write(self, data: Any) -> int:
            half = len(data) // 2
            counted(super().write)(data[:half])
            return half + counted(super().write)(data[half:])

    def open_for_writing(path: Path) -> Writer:
        begin(path.name)
        writer: Writer = counted(Writer)(str(path), "wb")
        return writer

    unlink = Path.unlink

    def unlink_counted(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".ckpt":
            begin("old checkpoint")
        counted(unlink)(path, missing_ok)

    setattr(files, "os", Saving())  # noqa: B010
    files.open_for_writing = open_for_writing
    setattr(Path, "unlink", unlink_counted)  # noqa: B010


def whole_files(folder: Path) -> list[str]:
    """What is wrong with the files of a killed run; empty where nothing is."""
    import json

    from safetensors import safe_open

    from specgraph.runs.checkpoint import Checkpoints, DamagedCheckpointError, read_checkpoint

    faults = []
    for path in Checkpoints(folder / "checkpoints").paths():
        try:
            read_checkpoint(path)
        except DamagedCheckpointError:
            faults.append(f"{path} is damaged")
    for path in folder.glob("*.safetensors"):
        try:
            with safe_open(path, framework="pt") as file:
                for key in file.keys():  # noqa: SIM118
                    file.get_tensor(key)
        except Exception as error:
            faults.append(f"{path}: {error}")
    for path in folder.glob("*.json"):
        try:
            json.loads(path.read_text())
        except ValueError as error:
            faults.append(f"{path}: {error}")
    return faults


def differences(folder: Path, reference: Path) -> list[str]:
    """Where a finished run differs from the uninterrupted one."""
    import json

    found = [name for name in COMPARED if (folder / name).read_bytes() != (reference / name).read_bytes()]
    results = [json.loads((place / "result.json").read_text()) for place in (folder, reference)]
    if {**results[0], "seconds": 0} != {**results[1], "seconds": 0}:
        found.append("result.json")
    if _metrics(folder) != _metrics(reference):
        found.append("metrics.csv")
    return found


def _metrics(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return [{key: value for key, value in row.items() if key not in TIMING} for row in csv.DictReader(file)]


class Tally:
    """What was seen."""

    def __init__(self) -> None:
        self.kills = self.corrupt = self.differing = self.finished = 0

    def after_kill(self, folder: Path) -> None:
        """Count a kill and look at the files it left."""
        self.kills += 1
        for fault in whole_files(folder):
            self.corrupt += 1
            print("CORRUPT", fault)

    def after_finish(self, folder: Path, reference: Path) -> None:
        """Count a finished run and compare it."""
        self.finished += 1
        for name in differences(folder, reference):
            self.differing += 1
            print("DIFFERS", folder, name)
        shutil.rmtree(folder)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.finished} runs finished after them: "
            f"{self.corrupt} corrupt files, {self.differing} differing"
        )


def random_kills(count: int, spec: Path, place: Path, reference: Path, seconds: float, chance: random.Random) -> Tally:
    """SIGKILL at random moments between the start of training and its end."""
    tally, attempt = Tally(), 0
    while tally.kills < count:
        attempt += 1
        folder = place / f"{spec.stem}{attempt}"
        while True:
            resume = (folder / "spec.yaml").exists()
            if not resume:
                shutil.rmtree(folder, ignore_errors=True)
            limit = None if tally.kills >= count else chance.uniform(0.05, 1.0) * seconds
            started = time.perf_counter()
            if run(command(spec, folder, resume=resume), kill_after=limit) == 0:
                if not resume:  # the first run of all was slower, or the machine is less busy now
                    seconds = min(seconds, time.perf_counter() - started)
                break
            tally.after_kill(folder)
        tally.after_finish(folder, reference)
        print(f"  {tally}", flush=True)
    return tally


def boundary_kills(count: int | None, spec: Path, place: Path, reference: Path) -> Tally:
    """The end right before and after each system call of each kind of save."""
    tally = Tally()
    for kind in SAVES:
        for number in range(1, MOST_BOUNDARIES):
            if count is not None and tally.kills >= count:
                return tally
            folder = place / f"{kind.strip('.').replace(' ', '-')}-{number}"
            code = run(command(spec, folder, resume=False, report=True), strike=Strike(kind, number))
            if code == 0:
                shutil.rmtree(folder)
                print(f"  {kind}: {number - 1} boundaries; {tally}", flush=True)
                if number == 1:
                    raise SystemExit(f"no save of {kind} was struck")
                break
            tally.after_kill(folder)
            resume = (folder / "spec.yaml").exists()
            if not resume:
                shutil.rmtree(folder, ignore_errors=True)
            run(command(spec, folder, resume=resume, report=True))
            missing = [name for name in ("curves.png", "report.html", "result.json") if not (folder / name).exists()]
            if missing:
                tally.corrupt += 1
                print("MISSING", folder, missing)
            tally.after_finish(folder, reference)
    return tally


def main() -> int:
    """Run both campaigns; 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=200, metavar="KILLS")
    parser.add_argument("--boundaries", type=int, metavar="KILLS", help="at most so many (default: all)")
    parser.add_argument("--only", help=f"of {', '.join(VICTIMS)}, separated by commas")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    chosen = args.only.split(",") if args.only else list(VICTIMS)
    if unknown := [name for name in chosen if name not in VICTIMS]:
        parser.error(f"--only: no {', '.join(unknown)}; known: {', '.join(VICTIMS)}")
    with tempfile.TemporaryDirectory(prefix="specgraph-kills-") as name:
        place = Path(name)
        tallies, chance = [], random.Random(args.seed)
        count = -(-args.random // len(chosen))
        for victim in chosen:
            spec, reference = place / f"{victim.replace(' ', '-')}.yaml", place / f"reference of {victim}"
            spec.write_text(yaml.safe_dump(VICTIMS[victim], sort_keys=False))
            started = time.perf_counter()
            run(command(spec, reference, resume=False))
            seconds = time.perf_counter() - started
            print(f"{victim}: an uninterrupted run takes {seconds:.1f} s")
            tallies.append(random_kills(count, spec, place, reference, seconds, chance))
            print(f"{victim}, random moments: {tallies[-1]}", flush=True)
        first = place / f"{chosen[0].replace(' ', '-')}.yaml"
        tallies.append(boundary_kills(args.boundaries, first, place, place / f"reference of {chosen[0]}"))
        print(f"boundaries of saves: {tallies[-1]}")
    lost = sum(tally.corrupt + tally.differing for tally in tallies)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
