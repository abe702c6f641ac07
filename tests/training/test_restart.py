"""After a restart by torchrun a job goes on with its own run, and with no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specgraph.runs.run import Run
from specgraph.training.display import Silent


class Crash(Exception):
    """Stands for a process that dies."""


class CrashSoon(Silent):
    """Dies after the first epoch."""

    def end_epoch(self, *_: Any) -> None:
        raise Crash


class Listening(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def interrupted(
    train_small: Any, spec: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any
) -> Path:
    """The folder of a run that died, as torchrun names its job by `request.param` = (id, out)."""
    job, out = request.param
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", job)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    with pytest.raises(Crash):
        train_small(recipe="plain", out=out, checkpoint_every_s=0.0, display=CrashSoon())
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    (folder,) = (found.parent for found in Path().rglob("spec.yaml"))
    return folder


NAMED, NAMELESS, IN_FOLDER = ("job", None), ("none", None), ("none", "out")


@pytest.mark.parametrize("interrupted", [NAMED, IN_FOLDER], indirect=True)
def test_the_run_of_the_job_goes_on(interrupted: Path, train_small: Any) -> None:
    out = None if interrupted.parts[0] == "runs" else interrupted
    shown = Listening()
    run = train_small(recipe="plain", out=out, display=shown)
    assert run.folder == interrupted
    assert [row["epoch"] for row in run.metrics] == [1, 2]
    assert not any("restarted" in line for line in shown.said)


@pytest.mark.parametrize("interrupted", [NAMELESS], indirect=True)
def test_a_job_without_a_name_begins_again(interrupted: Path, train_small: Any) -> None:
    shown = Listening()
    run = train_small(recipe="plain", out=None, display=shown)
    assert run.folder != interrupted
    assert any("--out" in line for line in shown.said)


@pytest.mark.parametrize("interrupted", [NAMED], indirect=True)
@pytest.mark.parametrize(
    ("network", "options"),
    [
        ({"name": "other"}, {}),
        ({"vars": {"classes": 12}}, {}),
        ({}, {"recipe": "default", "epochs": 1}),
        ({}, {"lr": 0.5}),
        ({}, {"epochs": 1}),
        ({}, {"settings": {"data.validation": 50}}),
        ({}, {"freeze": ["conv"]}),
    ],
    ids=str,
)
def test_another_run_is_not_continued(
    interrupted: Path, train_small: Any, spec: dict[str, Any], network: dict[str, Any], options: dict[str, Any]
) -> None:
    spec.update(network)
    run = train_small(**{"recipe": "plain", "out": None, **options})
    assert run.folder != interrupted
    assert run.result
    assert not Run(interrupted).result


@pytest.mark.parametrize("interrupted", [NAMED], indirect=True)
def test_another_job_is_not_continued(interrupted: Path, train_small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "other")
    assert train_small(recipe="plain", out=None, epochs=1).folder != interrupted
