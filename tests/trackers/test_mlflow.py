"""Runs on a local MLflow server, read back by MLflow's client."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specgraph.training.display import Silent
from specgraph.training.signals import PrunedRun
from tests.trackers.test_guard import Listening, Prunes
from tests.training.conftest import Crash, CrashAt

pytestmark = pytest.mark.campaign
START_S = 300.0


class Server:
    """An MLflow server on a port of this machine, with its data in a folder; it can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        words += ["--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}"]
        words += ["--artifacts-destination", str(self.folder / "artifacts")]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *words], stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.2)
        raise AssertionError((self.folder / "server.log").read_text())

    def stop(self) -> None:
        """End it and its workers."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("mlflow")
    pytest.importorskip("flask", reason="the server is in the package mlflow, not in mlflow-skinny")
    started = Server(tmp_path_factory.mktemp("mlflow"))
    started.start()
    yield started
    started.stop()


@pytest.fixture
def client(server: Server) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(server.uri)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no reason to fail."""
    from specgraph.trackers import tracking

    for outcome in ("finished", "failed", "pruned"):
        monkeypatch.setitem(tracking.WAIT_S, outcome, START_S)


def runs_named(client: Any, name: str, experiment: str = "small") -> list[Any]:
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id], f"tags.`mlflow.runName` = '{name}'")) if found else []


def steps(client: Any, run: Any, metric: str) -> list[tuple[int, float]]:
    history = client.get_metric_history(run.info.run_id, metric)
    return sorted((entry.step, entry.value) for entry in history)


def test_a_run_on_the_server(train_small: Any, server: Server, client: Any, capfd: Any) -> None:
    run = train_small(
        trackers=[f"mlflow={server.uri}"], name="whole", tags=["baseline", "team=vision"], note="a *note*", report=True
    )
    (found,) = runs_named(client, "whole")
    assert found.info.status == "FINISHED"
    params = found.data.params
    assert (params["optimizer.sgd.lr"], params["vars.classes"], params["data.name"]) == ("0.05", "10", "digits")
    assert params["data.augment"] == "[{shift: {pixels: 1}}, {mixup: {alpha: 0.2}}]"
    tags = found.data.tags
    assert (tags["baseline"], tags["team"], tags["mlflow.note.content"]) == ("true", "vision", "a *note*")
    assert (tags["parameters"], tags["network"], tags["device"]) == ("1386", "small", "cpu")
    for metric, column in (("loss/validation", "val_loss"), ("accuracy/train", "train_accuracy")):
        assert steps(client, found, metric) == [(int(row["epoch"]), row[column]) for row in run.metrics]
    assert steps(client, found, "accuracy/test") == [(run.result["best_epoch"], run.result["test_accuracy"])]
    assert found.data.metrics["f1_macro/test"] == run.result["test_f1_macro"]
    files = {entry.path for entry in client.list_artifacts(found.info.run_id)}
    assert files == {"spec.yaml", "environment.json", "metrics.csv", "result.json", "curves.png", "report.html"}
    there = Path(client.download_artifacts(found.info.run_id, "result.json"))
    assert there.read_bytes() == (run.folder / "result.json").read_bytes()
    assert capfd.readouterr().out == "", "MLflow prints nothing where the run folder is printed"


def test_a_resumed_run_is_the_same_run(train_small: Any, server: Server, client: Any, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    with pytest.raises(Crash):
        train_small(trackers=[f"mlflow={server.uri}"], name="killed", out=folder, display=CrashAt(26))
    (found,) = runs_named(client, "killed")
    assert found.info.status == "FAILED"
    train_small(resume=folder)
    train_small(resume=folder, epochs=5)
    (again,) = runs_named(client, "killed")
    assert again.info.run_id == found.info.run_id
    assert again.info.status == "FINISHED"
    assert [step for step, _ in steps(client, again, "loss/train")] == [1, 2, 3, 4, 5]
    assert (again.data.params["epochs"], again.data.tags["epochs"]) == ("3", "5")


def test_an_interrupted_run_is_killed(train_small: Any, server: Server, client: Any) -> None:
    from specgraph.training.signals import InterruptedRun

    class Interrupt(Silent):
        def end_epoch(self, *_: Any) -> None:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(InterruptedRun):
        train_small(trackers=[f"mlflow={server.uri}"], name="stopped", display=Interrupt())
    found = runs_named(client, "stopped")
    assert [entry.info.status for entry in found] in (["KILLED"], ["RUNNING"], []), "it waits for five seconds at most"


def test_a_run_that_is_pruned_is_killed_and_says_why(train_small: Any, server: Server, client: Any) -> None:
    with pytest.raises(PrunedRun):
        train_small(trackers=[f"mlflow={server.uri}"], name="pruned", display=Prunes())
    (found,) = runs_named(client, "pruned")
    assert (found.info.status, found.data.tags["outcome"]) == ("KILLED", "pruned")
    assert [step for step, _ in steps(client, found, "loss/train")] == [1]


def test_a_server_that_is_away_from_the_start(train_small: Any, server: Server, client: Any) -> None:
    listening = Listening()
    server.stop()
    try:
        run = train_small(trackers=[f"mlflow={server.uri}"], name="away", display=listening)
    finally:
        server.start()
    (line,) = listening.warnings
    assert "no server answers: connection refused" in line
    assert run.result
    assert runs_named(client, "away") == []
    train_small(resume=run)
    (found,) = runs_named(client, "away")
    assert [step for step, _ in steps(client, found, "loss/train")] == [1, 2, 3]
    assert found.info.status == "FINISHED"


def test_a_server_that_dies_in_the_middle(train_small: Any, server: Server, client: Any) -> None:
    class StopsServer(Listening):
        """The server dies after the first epoch has arrived."""

        def end_epoch(self, row: Any, best: bool) -> None:
            until = time.monotonic() + START_S
            while row["epoch"] == 1 and time.monotonic() < until:
                if any(entry.data.metrics for entry in runs_named(client, "gap")):
                    server.stop()
                    return
                time.sleep(0.05)

    listening = StopsServer()
    try:
        run = train_small(trackers=[f"mlflow={server.uri}"], name="gap", display=listening)
    finally:
        server.stop()
        server.start()
    assert run.result
    (line,) = listening.warnings
    assert line.startswith(f"warning: --tracker mlflow={server.uri}: ")
    (found,) = runs_named(client, "gap")
    assert [step for step, _ in steps(client, found, "loss/train")] == [1]
    train_small(resume=run)
    (found,) = runs_named(client, "gap")
    assert [step for step, _ in steps(client, found, "loss/train")] == [1, 2, 3]
    assert (found.info.status, len(found.data.metrics)) == ("FINISHED", 11)
