"""How trackers are named, and what is refused before anything is trained."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from specgraph.cli.main import main
from specgraph.plugin import Tracker, register_tracker
from specgraph.runs.run import Run
from specgraph.trackers import registry
from specgraph.trackers.registry import address, make_trackers
from specgraph.trackers.tensorboard import TensorBoard
from tests.helpers import ROOT
from tests.trackers.recorder import Recorder, told
from tests.training.conftest import SPEC


class Unruly(Tracker):
    """Cannot even be made."""

    name = "unruly"

    def __init__(self, place: str = "") -> None:
        raise KeyError(place)


class Forgetful(Tracker):
    """Forgets what its base class does."""

    name = "forgetful"

    def __init__(self, place: str = "") -> None:
        self.place = place


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Callable[..., list[str]]:
    """The lines on standard error of a run that does not start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Path("small.yaml").write_text(yaml.safe_dump(SPEC, sort_keys=False))

    def run(*words: str) -> list[str]:
        assert main(["train", "small.yaml", "--device", "cpu", "--tracker", *words]) == 2
        assert not Path("runs").exists()
        said = capsys.readouterr()
        assert said.out == ""
        return [line for line in said.err.splitlines() if line.startswith(("specgraph:", "  "))]

    return run


@pytest.mark.parametrize(
    ("word", "lines"),
    [
        ("mlfow=http://h:1", ["there is no such tracker", "did you mean mlflow?"]),
        ("neptune", ["--tracker neptune: there is no such tracker", "choose from tensorboard, mlflow, wandb"]),
        ("mlflow", ["names no server", "--tracker mlflow=http://HOST:5000, or set MLFLOW_TRACKING_URI"]),
        ("mlflow=http://me:secret@h:1", ["holds a password", "MLFLOW_TRACKING_PASSWORD"]),
        ("wandb=a/b/c", ["this is not a project", "[ENTITY/]PROJECT"]),
        ("tensorboard=logs", ["tensorboard takes no place", "write --tracker tensorboard"]),
        ("unruly=x", ["--tracker unruly=x: KeyError: 'x'", "mend its class"]),
        ("forgetful", ["--tracker forgetful: AttributeError", "mend its class"]),
    ],
)
def test_misuse(refused: Any, recorder: type[Recorder], word: str, lines: list[str]) -> None:
    register_tracker(Unruly)
    register_tracker(Forgetful)
    said = refused(word)
    assert len(said) == 2
    for line, words in zip(said, lines, strict=True):
        assert words in line
    assert "secret" not in "".join(said)


@pytest.mark.parametrize("package", ["mlflow", "wandb", "tensorboard"])
def test_a_package_that_is_not_there(refused: Any, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == package else find_spec(name))
    word = "mlflow=http://127.0.0.1:1" if package == "mlflow" else package
    assert refused(word) == [
        f"specgraph: error: --tracker {package} needs the package `{package}`, which is not installed",
        f"  install it with: pip install 'specgraph[{package}]'",
    ]


def test_tensorboard_is_there_unless_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setattr(registry, "find_spec", lambda name: name)
    names = [(), ("none",), ("mlflow",), ("none", "mlflow"), ("tensorboard", "tensorboard"), ("wandb=a", "wandb=b")]
    assert [[address(tracker) for tracker in make_trackers(words)] for words in names] == [
        ["tensorboard"],
        [],
        ["mlflow", "tensorboard"],
        ["mlflow"],
        ["tensorboard"],
        ["wandb=a", "wandb=b", "tensorboard"],
    ]
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    assert make_trackers(()) == []


def test_names_that_are_taken(recorder: type[Recorder]) -> None:
    register_tracker(Recorder)
    for name in ("mlflow", "none", "recorder", "", "a=b"):
        with pytest.raises(ValueError, match=r"defined twice|needs a name"):
            register_tracker(type("Other", (Tracker,), {"name": name}))


def offered(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Let an installed package offer a tracker `theirs`."""
    entry = EntryPoint("theirs", value, registry.GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry] if group == registry.GROUP else [])


def test_trackers_of_packages(train_small: Any, recorder: type[Recorder], monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, "tests.trackers.recorder:Recorder")
    train_small(trackers=["theirs=x"], recipe="plain")
    assert told() == ["start", "epoch 1", "epoch 2", "result", "close finished"]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("tests.trackers.nowhere:Recorder", "cannot be loaded: ModuleNotFoundError"),
        ("tests.trackers.recorder:told", "is not a class derived from specgraph.plugin.Tracker"),
    ],
)
def test_wrong_trackers_of_packages(refused: Any, monkeypatch: pytest.MonkeyPatch, value: str, line: str) -> None:
    offered(monkeypatch, value)
    assert line in refused("theirs")[0]


def test_the_tracker_of_the_page_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_registered", {})
    Path("small.yaml").write_text(yaml.safe_dump(SPEC, sort_keys=False))
    page = (ROOT / "docs/runs.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    Path("my_tracker.py").write_text(source)
    words = ["train", "small.yaml", "--device", "cpu", "--no-report", "--out", "run", "--name", "mine"]
    assert main([*words, "--plugin", "my_tracker", "--tracker", "lines=out.txt"]) == 0
    run = Run("run")
    expected = [f"{row['epoch']:.0f} {row['val_loss']}" for row in run.metrics]
    assert Path("out.txt").read_text().splitlines() == ["mine 0.05", *expected, f"test {run.result['test_loss']}"]
    assert address(make_trackers(["lines=out.txt", "none"])[0]) == "lines=out.txt"
    assert isinstance(make_trackers(())[0], TensorBoard)
