"""docs/runs.md lists the files of a run, and the fields of `environment.json`: exactly those that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from specgraph.training.display import Silent
from tests.helpers import ROOT
from tests.training.conftest import Crash, CrashAt

ONLY_WHILE_IT_RUNS = {".lock"}
ONLY_WITH_WANDB = {"wandb/"}
SOMETIMES = {"cuda", "device_name", "task", "best", "pretrained", "elastic_run"}


def documented(heading: str) -> set[str]:
    """The names in the first column of the table below a heading."""
    page = (ROOT / "docs/runs.md").read_text(encoding="utf-8")
    section = re.split(r"^#+ ", page.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def files_of(folder: Path) -> set[str]:
    """Files and folders, those of TensorBoard under one name."""
    names = {f"{path.name}/" if path.is_dir() else path.name for path in folder.iterdir()}
    return {"events.*" if name.startswith("events.") else name for name in names}


class Looking(Silent):
    """Remembers the files that there are at the end of an epoch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: set[str] = set()

    def end_epoch(self, *_: Any) -> None:
        self.seen |= {name for name in files_of(self.folder) if not name.endswith(".tmp")}


def test_the_files(train_small: Any, tmp_path: Path) -> None:
    looking = Looking(tmp_path / "run")
    run = train_small(out=tmp_path / "run", report=True, display=looking)
    assert files_of(run.folder) == documented("The folder, file by file") - ONLY_WHILE_IT_RUNS - ONLY_WITH_WANDB
    assert looking.seen >= ONLY_WHILE_IT_RUNS
    assert looking.seen <= documented("The folder, file by file")


def test_what_is_written_when(train_small: Any, tmp_path: Path) -> None:
    """A run that dies after two epochs has no result, no last weights and no report."""
    with pytest.raises(Crash):
        train_small(out=tmp_path / "run", report=True, display=CrashAt(26))
    at_the_end = {"result.json", "last.safetensors", "curves.png", "report.html"}
    expected = documented("The folder, file by file") - ONLY_WHILE_IT_RUNS - ONLY_WITH_WANDB - at_the_end
    assert files_of(tmp_path / "run") == expected


def test_the_fields_of_the_environment(train_small: Any, tmp_path: Path) -> None:
    run = train_small(recipe="plain")
    fields = set(run.environment)
    assert fields == documented("environment.json") - SOMETIMES
    other = train_small(recipe="plain", weights=run.folder, settings={"best": "loss"})
    assert set(other.environment) - fields == {"task", "best", "pretrained"}
    assert other.environment["multiply_adds"] == 9 * 8 * 64 + 10 * 128
    assert other.environment["parameters"] == 9 * 8 + 8 + 2 * 8 + 10 * 128 + 10


def test_a_documented_name_that_there_is_not_is_found() -> None:
    assert "spec.yaml" in documented("The folder, file by file")
    assert "torch" in documented("environment.json")
    assert "spec.yaml" not in documented("environment.json")
