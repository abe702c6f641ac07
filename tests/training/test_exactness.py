"""An interrupted run ends exactly like an uninterrupted one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from specgraph.datasets.user import from_user
from specgraph.errors import CommandError
from specgraph.runs.checkpoint import Checkpoints, DamagedCheckpointError, read_checkpoint
from specgraph.training.display import Silent
from specgraph.training.signals import InterruptedRun
from tests.training.conftest import Crash, CrashAt, same_weights, weights_of

TIMING = ("seconds", "images_per_second")


class SignalAt(Silent):
    """Sends this process a signal after a number of steps."""

    def __init__(self, steps: int, number: int) -> None:
        self.left, self.number = steps, number

    def step(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), self.number)


def without_timing(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{key: value for key, value in row.items() if key not in TIMING} for row in rows]


def test_two_runs_are_identical(train_small: Any) -> None:
    first, second = train_small(), train_small()
    assert same_weights(weights_of(first), weights_of(second))
    for name in ("best.safetensors", "last.safetensors", "spec.yaml"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()
    assert without_timing(first.metrics) == without_timing(second.metrics)


def test_another_seed_gives_other_weights(train_small: Any) -> None:
    assert not same_weights(weights_of(train_small()), weights_of(train_small(seed=1)))


@pytest.mark.parametrize("steps", [1, 5, 11, 12, 17, 32])
@pytest.mark.parametrize("every", [0.0, 1e9])
def test_crash_and_resume(train_small: Any, tmp_path: Path, steps: int, every: float) -> None:
    """11 steps an epoch: crashes at the start, mid-epoch, at an epoch's last and first step, near the end."""
    whole = train_small()
    with pytest.raises(Crash):
        train_small(out=tmp_path / "crashed", display=CrashAt(steps), checkpoint_every_s=every)
    resumed = train_small(resume=tmp_path / "crashed")
    assert same_weights(weights_of(whole), weights_of(resumed))
    assert same_weights(weights_of(whole, "best"), weights_of(resumed, "best"))
    assert without_timing(whole.metrics) == without_timing(resumed.metrics)
    timeless = [{k: v for k, v in run.result.items() if k != "seconds"} for run in (whole, resumed)]
    assert timeless[0] == timeless[1]


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule": {"plateau": {"patience": 0, "gamma": 0.5, "threshold": 0.5}}},
        {
            "schedule": {"plateau": {"patience": 0, "gamma": 0.5, "threshold": 0.5}},
            "data.sampler": "balanced",
            "best": "balanced_accuracy",
        },
        {"optimizer": {"muon": {"lr": 0.01, "layer_decay": 0.5}}, "best": {"metric": "loss"}},
        {"optimizer": {"nadam": {"groups": {"*.bias": {"lr": 0.1}}}}, "schedule": {"polynomial": {"power": 2}}},
    ],
    ids=str,
)
def test_crash_and_resume_of_other_recipes(train_small: Any, tmp_path: Path, settings: dict[str, Any]) -> None:
    options = {"recipe": "plain", "epochs": 4, "settings": settings}
    whole = train_small(**options)
    if "plateau" in str(settings):
        assert len({row["lr"] for row in whole.metrics}) > 1
    with pytest.raises(Crash):
        train_small(out=tmp_path / "crashed", display=CrashAt(38), **options)
    resumed = train_small(resume=tmp_path / "crashed")
    assert same_weights(weights_of(whole), weights_of(resumed))
    assert without_timing(whole.metrics) == without_timing(resumed.metrics)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_saves_then_resumes(train_small: Any, tmp_path: Path, number: int) -> None:
    whole = train_small()
    with pytest.raises(InterruptedRun) as stop:
        train_small(out=tmp_path / "a run", display=SignalAt(15, number))
    assert stop.value.exit_code == 128 + number
    assert f"--resume '{tmp_path}/a run'" in str(stop.value)
    state = Checkpoints(tmp_path / "a run" / "checkpoints").newest()
    assert state is not None
    assert (state[0]["epoch"], state[0]["step"]) == (1, 4)
    resumed = train_small(resume=tmp_path / "a run")
    assert same_weights(weights_of(whole), weights_of(resumed))


def test_finished_run_resumes_for_more_epochs_only(train_small: Any, tmp_path: Path) -> None:
    constant = {"schedule": "constant"}
    whole = train_small(recipe="plain", epochs=4, settings=constant)
    run = train_small(recipe="plain", epochs=2, settings=constant)
    assert train_small(resume=run).result == run.result
    longer = train_small(resume=run, epochs=4)
    assert same_weights(weights_of(whole), weights_of(longer))
    assert len(longer.metrics) == longer.result["epochs"] == 4
    assert longer.load_graph().recipes["plain"].epochs == 4
    changes: list[dict[str, Any]] = [{"lr": 0.1}, {"batch_size": 3}, {"settings": {"ema": 0.9}}, {"data": "mnist"}]
    changes += [{"seed": 7}, {"out": tmp_path / "other"}, {"plugins": ["other"]}]
    for change in changes:
        with pytest.raises(CommandError, match=r"--.* cannot be changed"):
            train_small(resume=run, **change)


class SignallingImages(torch.utils.data.Dataset):
    """Float images read one at a time; reading the first for the `nth` time sends this process a signal."""

    def __init__(self, count: int, nth: int = 0) -> None:
        self.targets = [index % 2 for index in range(count)]
        self.left = nth

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        if index == 0:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGTERM)
        label = self.targets[index]
        return torch.linspace(-1, 1, 64).view(1, 8, 8) * (label - 0.4) + index / 500, label


@pytest.mark.parametrize("evaluation", [1, 2, 3])
def test_signal_while_evaluating(train_small: Any, tmp_path: Path, evaluation: int) -> None:
    """The test images, which validate too, are read after each of two epochs and at the end, and before
    all of that when the set is opened."""
    opened = SignallingImages(20)
    from_user((SignallingImages(48), opened))
    options = {
        "recipe": "plain",
        "settings": {"data": {"name": "digits", "validation": "test"}},
        "batch_size": 16,
        "num_workers": 0,
    }
    whole = train_small(data=(SignallingImages(48), SignallingImages(20)), **options)
    data = (SignallingImages(48), SignallingImages(20, evaluation - opened.left))
    with pytest.raises(InterruptedRun):
        train_small(data=data, out=tmp_path / "stopped", **options)
    state = Checkpoints(tmp_path / "stopped" / "checkpoints").newest()
    assert state is not None
    assert (state[0]["epoch"], state[0]["step"]) == {1: (0, 3), 2: (1, 3), 3: (2, 0)}[evaluation]
    resumed = train_small(resume=tmp_path / "stopped", data=(SignallingImages(48), SignallingImages(20)))
    assert same_weights(weights_of(whole), weights_of(resumed))
    assert without_timing(whole.metrics) == without_timing(resumed.metrics)


def test_comparison_can_fail(train_small: Any, tmp_path: Path) -> None:
    """One weight nudged by one unit in the last place in the checkpoint shows in the end."""
    whole = train_small()
    with pytest.raises(Crash):
        train_small(out=tmp_path / "crashed", display=CrashAt(15), checkpoint_every_s=0.0)
    checkpoints = Checkpoints(tmp_path / "crashed" / "checkpoints")
    found = checkpoints.newest()
    assert found is not None
    weight = found[0]["module"]["conv.weight"]
    weight.view(-1)[0] = torch.nextafter(weight.view(-1)[0], torch.tensor(9.0))
    checkpoints.save(found[0], 14)
    resumed = train_small(resume=tmp_path / "crashed")
    assert not same_weights(weights_of(whole), weights_of(resumed))


def test_damaged_checkpoint_is_passed_over(train_small: Any, tmp_path: Path) -> None:
    whole = train_small()
    with pytest.raises(Crash):
        train_small(out=tmp_path / "crashed", display=CrashAt(15), checkpoint_every_s=0.0)
    newest, older = Checkpoints(tmp_path / "crashed" / "checkpoints").paths()
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    with pytest.raises(DamagedCheckpointError):
        read_checkpoint(newest)
    said: list[str] = []

    class Listening(Silent):
        def say(self, message: str) -> None:
            said.append(message)

    resumed = train_small(resume=tmp_path / "crashed", display=Listening())
    assert any(str(newest) in line and "damaged" in line for line in said)
    assert same_weights(weights_of(whole), weights_of(resumed))
    assert older.name < newest.name


@pytest.mark.parametrize("cut", [0, 10, 40, 500])
def test_cut_short_checkpoint_is_noticed(tmp_path: Path, cut: int) -> None:
    checkpoints = Checkpoints(tmp_path)
    path = checkpoints.save({"x": torch.arange(100)}, 1)
    assert read_checkpoint(path)["x"].tolist() == list(range(100))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DamagedCheckpointError):
        read_checkpoint(path)
    with pytest.raises(CommandError, match="every checkpoint"):
        checkpoints.newest()


def test_last_checkpoints_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, kept=3)
    for step in range(6):
        checkpoints.save({"step": step}, step)
    assert [read_checkpoint(path)["step"] for path in checkpoints.paths()] == [5, 4, 3]


def test_full_disk_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"step": 1}, 1)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandError, match="disk is full"):
        checkpoints.save({"step": 2}, 2)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000000001.ckpt"]
    found = checkpoints.newest()
    assert found is not None
    assert found[0]["step"] == 1


def test_accumulation_changes_nothing_without_batch_norm(train_small: Any, spec: dict[str, Any]) -> None:
    del spec["nodes"]["bn"], spec["nodes"]["dropout"]
    spec["recipes"]["default"]["data"]["augment"] = []
    exact = {"precision": "fp32"}
    at_once = weights_of(train_small(epochs=1, settings=exact))
    in_parts = weights_of(train_small(epochs=1, settings={**exact, "accumulate": 4}))
    for key, value in at_once.items():
        torch.testing.assert_close(in_parts[key], value, atol=1e-6, rtol=1e-5)


def test_killed_process_resumes(train_small: Any, tmp_path: Path, spec: dict[str, Any]) -> None:
    """A real process, kill -9, and the command line's --resume."""
    spec["recipes"]["default"]["epochs"] = 15
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    whole = train_small()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "specgraph", "train", "--device", "cpu", "--checkpoint-every", "0.05"]
    process = subprocess.Popen([*command, str(path), "--out", str(folder)], env=environment, stderr=subprocess.DEVNULL)
    while not list(folder.glob("checkpoints/*.ckpt")) and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    done = subprocess.run(
        [*command, "--resume", str(folder)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(folder)
    from specgraph.runs.run import Run

    assert same_weights(weights_of(whole), weights_of(Run(folder)))
