"""Offline files of Weights & Biases, read by its own client: `wandb sync` sends them to a server of these tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specgraph.trackers import tracking
from specgraph.training.signals import PrunedRun
from tests.trackers.test_guard import Listening, Prunes
from tests.trackers.wandb_server import ReceivedRun, WandbServer
from tests.training.conftest import Crash, CrashAt

pytestmark = pytest.mark.campaign
pytest.importorskip("wandb")
KEY = "a" * 40


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("WANDB_API_KEY", "WANDB_PROJECT", "WANDB_DIR", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DISABLE_WEAVE", "true")  # it is advertised where other tests imported a library it knows
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / name.lower()))
    for outcome in ("finished", "failed", "pruned"):
        monkeypatch.setitem(tracking.WAIT_S, outcome, 300.0)


@pytest.fixture
def server() -> Iterator[WandbServer]:
    with WandbServer() as started:
        yield started


def sync(folder: Path, server: WandbServer) -> ReceivedRun:
    """What the server has after the offline files of a run were sent, in order."""
    environment = {**os.environ, "WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY, "WANDB_MODE": "online"}
    for place in sorted(folder.glob("wandb/offline-run-*")):
        words = [sys.executable, "-m", "wandb", "sync", str(place.absolute())]
        done = subprocess.run(words, env=environment, cwd=folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    (run,) = server.runs.values()
    return run


def test_an_offline_run(train_small: Any, server: WandbServer, capfd: Any) -> None:
    run = train_small(trackers=["wandb=team/digits"], name="first", tags=["a", "b=c"], note="why", report=True)
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
    found = sync(run.folder, server)
    assert (found.about["entity"], found.about["project"]) == ("team", "digits")
    assert (found.about["displayName"], found.about["notes"]) == ("first", "why")
    assert set(found.about["tags"]) == {"a", "b=c"}
    assert not any(found.about.get(name) for name in ("commit", "repo", "host"))
    config = found.config
    assert (config["optimizer.sgd.lr"], config["vars.classes"], config["parameters"]) == (0.05, 10, 1386)
    assert config["data.augment"] == [{"shift": {"pixels": 1}}, {"mixup": {"alpha": 0.2}}]
    assert [entry["_step"] for entry in found.history] == [1, 2, 3]
    for entry, row in zip(found.history, run.metrics, strict=True):
        assert entry["loss/validation"] == pytest.approx(row["val_loss"])
        assert entry["epoch"] == row["epoch"]
    assert found.summary["accuracy/test"] == run.result["test_accuracy"]
    assert found.summary["best_epoch"] == run.result["best_epoch"]
    assert found.exit_code == 0
    for name in ("spec.yaml", "environment.json", "metrics.csv", "result.json", "curves.png", "report.html"):
        assert found.files[name] == (run.folder / name).read_bytes()
    assert set(found.files) - {path.name for path in run.folder.iterdir()} == {"config.yaml", "wandb-summary.json"}


def test_a_resumed_run_is_the_same_run(train_small: Any, server: WandbServer, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    with pytest.raises(Crash):
        train_small(trackers=["wandb"], out=folder, display=CrashAt(26))
    train_small(resume=folder)
    assert len(list(folder.glob("wandb/offline-run-*"))) == 2
    found = sync(folder, server)
    assert found.about["project"] == "small"
    assert [entry["_step"] for entry in found.history] == [1, 2, 3]
    assert found.exit_code == 0


def test_a_run_that_is_pruned_says_so(train_small: Any, server: WandbServer, tmp_path: Path) -> None:
    folder = tmp_path / "pruned"
    with pytest.raises(PrunedRun):
        train_small(trackers=["wandb"], out=folder, display=Prunes())
    found = sync(folder, server)
    assert (found.exit_code, found.summary["outcome"]) == (0, "pruned")
    assert [entry["_step"] for entry in found.history] == [1]


def test_nobody_is_logged_in(train_small: Any, monkeypatch: pytest.MonkeyPatch, server: WandbServer) -> None:
    monkeypatch.delenv("WANDB_MODE")
    listening = Listening()
    run = train_small(trackers=["wandb"], recipe="plain", display=listening)
    (line,) = listening.warnings
    assert "nobody is logged in to W&B" in line
    assert f"wandb sync {run.folder}/wandb/offline-run-*" in line
    assert len(sync(run.folder, server).history) == 2


@pytest.mark.parametrize("there", [True, False])
def test_online(tmp_path: Path, spec: dict[str, Any], server: WandbServer, there: bool) -> None:
    """A server that does not answer costs half a minute at the end, and the program ends all the same."""
    import yaml

    if not there:
        server._http.server_close()
    (tmp_path / "net.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    environment = {**os.environ, "WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY, "WANDB_MODE": "online"}
    words = ["train", "net.yaml", "--device", "cpu", "--no-report", "--out", "run", "--tracker", "wandb"]
    done = subprocess.run(
        [sys.executable, "-m", "specgraph", *words],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (0, "run\n"), done.stderr
    assert (tmp_path / "run" / "result.json").exists()
    lines = [line for line in done.stderr.splitlines() if "epoch" not in line]
    assert [line.startswith("warning: --tracker wandb: ") for line in lines[2:]] == [True] * (not there)
    if there:
        (found,) = server.runs.values()
        assert [entry["_step"] for entry in found.history] == [1, 2, 3]
