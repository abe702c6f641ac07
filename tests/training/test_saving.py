"""Files that are written while training goes on."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from specgraph.errors import CommandError
from specgraph.runs.checkpoint import Checkpoints, read_checkpoint
from specgraph.runs.snapshot import Snapshot
from specgraph.runs.writer import MOST_WAITING, FileWriter
from specgraph.training import saving, session
from specgraph.training.loop import DivergedError, Trainer
from tests.training.acted_cuda import ActedCuda
from tests.training.conftest import same_weights, weights_of


def test_files_are_written_in_order_and_beside_training() -> None:
    writer, written, threads = FileWriter(), [], set()
    gate = threading.Event()

    def write(number: int) -> None:
        gate.wait(10)
        written.append(number)
        threads.add(threading.current_thread())

    for number in range(MOST_WAITING):
        writer.put(partial(write, number))
    assert written == [], "nobody waits for them"
    gate.set()
    for number in range(MOST_WAITING, 20):
        writer.put(partial(write, number))
    writer.finish()
    assert written == list(range(20))
    writer.put(lambda: write(20))
    writer.close()
    assert written == list(range(21))
    (thread,) = threads
    assert thread is not threading.main_thread()
    assert not thread.is_alive()


def test_only_so_much_waits() -> None:
    """Copies of weights that wait fill the memory: who is too quick waits."""
    writer, gate = FileWriter(), threading.Event()
    running = threading.Event()

    def wait() -> None:
        running.set()
        gate.wait(10)

    writer.put(wait)
    running.wait(10)
    for _ in range(MOST_WAITING):
        writer.put(lambda: None)
    late = threading.Thread(target=lambda: writer.put(lambda: None))
    late.start()
    late.join(0.2)
    assert late.is_alive()
    gate.set()
    late.join(10)
    assert not late.is_alive()
    writer.close()


def test_nothing_is_written_after_a_failure() -> None:
    writer, written = FileWriter(), []

    def fail() -> None:
        time.sleep(0.05)
        raise CommandError("the disk is full")

    writer.put(fail)
    writer.put(lambda: written.append("later"))
    for look in (writer.finish, writer.check, lambda: writer.put(lambda: written.append("again"))):
        with pytest.raises(CommandError, match="the disk is full"):
            look()
    writer.close()
    assert written == []


def test_a_snapshot_stays_as_it_was() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(module.parameters())
    module(torch.randn(2, 3, 5, 5)).sum().backward()
    optimizer.step()
    rows = [{"epoch": 1.0}]
    state = {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "rows": rows, "ema": None}
    before = {key: value.clone() for key, value in module.state_dict().items()}
    taken = Snapshot(state).settled()
    module(torch.randn(2, 3, 5, 5)).sum().backward()
    optimizer.step()
    rows.append({"epoch": 2.0})
    assert same_weights(taken["module"], before)
    assert not same_weights(taken["module"], module.state_dict())
    assert isinstance(taken["module"], OrderedDict)
    assert taken["module"]._metadata == module.state_dict()._metadata  # type: ignore[attr-defined]
    assert taken["module"]["0.weight"].is_contiguous(memory_format=torch.channels_last)
    assert [float(state["step"]) for state in taken["optimizer"]["state"].values()] == [1.0] * 4
    assert taken["rows"] == [{"epoch": 1.0}]


def test_a_gpu_is_waited_for_where_the_copy_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies into pinned memory are asked for; the host goes on."""
    cuda = ActedCuda(monkeypatch, 2)
    asked: list[tuple[str, bool]] = []

    class OnGpu(torch.Tensor):
        device = torch.device("cuda:1")

        def detach(self) -> Any:
            return self

        def to(self, place: Any, *, non_blocking: bool) -> Any:  # type: ignore[override]
            asked.append((place, non_blocking))
            return torch.zeros(2)

    taken = Snapshot({"weight": torch.zeros(2).as_subclass(OnGpu)})
    assert asked == [("cpu", True)]
    assert cuda.calls == [("record", 1)]
    taken.settled()
    assert [what for what, _ in cuda.calls] == ["record", "synchronize"]


def test_weights_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One number is read for all weights; an infinite one, or one that is none, is found wherever it is."""
    module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    trainer: Any = Trainer.__new__(Trainer)
    trainer._trained = [*module.parameters(), nn.Parameter(torch.zeros(0))]
    read = []
    real = torch.Tensor.__float__

    def counted(tensor: torch.Tensor) -> float:
        read.append(1)
        return real(tensor)

    monkeypatch.setattr(torch.Tensor, "__float__", counted)
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda tensor: pytest.fail("a look of its own"))
    assert trainer._is_finite()
    assert len(read) == 1
    monkeypatch.undo()
    for number in (float("nan"), float("inf"), -float("inf")):
        for parameter in module.parameters():
            kept = parameter.detach().clone()
            with torch.no_grad():
                parameter.view(-1)[-1] = number
            assert not trainer._is_finite()
            with torch.no_grad():
                parameter.copy_(kept)
    with torch.no_grad():
        next(module.parameters()).fill_(3e38)
    assert trainer._is_finite(), "large is not infinite"
    trainer._trained = []
    assert trainer._is_finite()


def test_training_goes_on_while_a_state_is_written(train_small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train_small()
    threads: list[threading.Thread] = []
    steps: list[int] = []
    slow, save, step = 0, Checkpoints.save, Trainer.step

    def slowly(self: Checkpoints, state: dict[str, Any], number: int) -> Path:
        nonlocal slow
        threads.append(threading.current_thread())
        before = len(steps)
        time.sleep(0.05)
        slow += len(steps) > before
        return save(self, state, number)

    def counted(self: Trainer, batch: Any) -> None:
        steps.append(1)
        step(self, batch)

    monkeypatch.setattr(Checkpoints, "save", slowly)
    monkeypatch.setattr(Trainer, "step", counted)
    run = train_small(checkpoint_every_s=0.0)
    assert slow > 0
    assert threading.main_thread() not in threads
    assert same_weights(weights_of(whole), weights_of(run))
    assert same_weights(weights_of(whole, "best"), weights_of(run, "best"))
    newest = Checkpoints(run.folder / "checkpoints").paths()[0]
    assert read_checkpoint(newest)["epoch"] == 3


def test_states_that_take_long_are_saved_when_they_are_due(train_small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick ones also at the ends of epochs; the last always."""
    saved: list[int] = []
    save = Checkpoints.save

    def noted(self: Checkpoints, state: dict[str, Any], number: int) -> Path:
        saved.append(number)
        return save(self, state, number)

    monkeypatch.setattr(Checkpoints, "save", noted)
    train_small(recipe="plain", epochs=4)
    assert saved == [11, 11, 22, 33, 44]
    saved.clear()
    monkeypatch.setattr(saving, "QUICK_S", -1.0)
    run = train_small(recipe="plain", epochs=4)
    assert saved == [11, 44]
    assert len(run.metrics) == 4


def test_a_full_disk_ends_the_run(train_small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Soon after, and with the reason; what was there before is whole, and the run goes on from it."""
    whole = train_small()
    threads = set(threading.enumerate())
    real, calls = os.fsync, 0

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 12:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandError, match="the disk is full"):
        train_small(out=tmp_path / "full", checkpoint_every_s=0.0)
    monkeypatch.undo()
    assert not [thread for thread in set(threading.enumerate()) - threads if thread.name == "specgraph-files"]
    assert same_weights(weights_of(whole), weights_of(train_small(resume=tmp_path / "full")))


def test_what_is_not_finite_is_never_saved(train_small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = session.TrainingSession._save

    def spoiled(self: session.TrainingSession) -> None:
        with torch.no_grad():
            next(iter(self.trainer.module.parameters())).view(-1)[0] = float("nan")
        with pytest.raises(DivergedError):
            real(self)
        raise DivergedError

    monkeypatch.setattr(session.TrainingSession, "_save", spoiled)
    with pytest.raises(CommandError, match="no longer finite"):
        train_small(out=tmp_path / "bad")
    assert not list((tmp_path / "bad").glob("checkpoints/*.ckpt"))
