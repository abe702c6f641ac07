"""A run folder is written by one process at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from specgraph.cli.main import main
from specgraph.errors import CommandError
from specgraph.runs.lock import LOCK, RunLock
from tests.training.conftest import Crash, CrashAt

HOLDER = """
import os, sys, time
from pathlib import Path
from specgraph.runs.lock import RunLock
RunLock().take(Path(sys.argv[1]))
if not os.fork():  # as a process that decodes images, which lives on for a while
    print(os.getpid(), flush=True)  # from the child: what it does at its start is done
time.sleep(60)
"""


def test_the_second_waits_for_nothing(tmp_path: Path) -> None:
    with RunLock() as first, RunLock() as second:
        first.take(tmp_path)
        with pytest.raises(CommandError, match="is being trained by another process"):
            second.take(tmp_path)
        first.release()
        second.take(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        with pytest.raises(CommandError, match="another process"), RunLock() as lock:
            lock.take(tmp_path)
        holder.kill()
        holder.wait()
        assert (tmp_path / LOCK).exists()
        with RunLock() as lock:
            lock.take(tmp_path)
    finally:
        holder.kill()
        os.kill(child, signal.SIGKILL)
        holder.stdout.close()


def test_two_resumes_of_one_run(train_small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Crash):
        train_small(out=tmp_path / "run", display=CrashAt(12), checkpoint_every_s=0.0)
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with RunLock() as lock:
        lock.take(tmp_path / "run")
        assert main(["train", "--resume", str(tmp_path / "run"), "--device", "cpu"]) == 2
        lock.release()
    first, help = capsys.readouterr().err.splitlines()
    assert first == f"specgraph: error: {tmp_path / 'run'} is being trained by another process"
    assert help == "  wait until it ends, or stop it"
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert main(["train", "--resume", str(tmp_path / "run"), "--device", "cpu", "--no-report", "--quiet"]) == 0
    assert not (tmp_path / "run" / LOCK).exists()
