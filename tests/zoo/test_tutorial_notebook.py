"""docs/tutorial.ipynb is the tutorial's page, and it runs from its first cell to its last."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from tests.helpers import ROOT
from tests.zoo.tutorial_notebook import NOTEBOOK, notebook_of
from tests.zoo.tutorial_page import LIGHT, PAGE


def printed(cell: Any) -> str:
    """What a cell printed, without the lines of a terminal's width."""
    text = "".join("".join(output.get("text", "")) for output in cell["outputs"])
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").splitlines())


def test_the_notebook_is_the_page() -> None:
    written = NOTEBOOK.read_text(encoding="utf-8")
    assert written == notebook_of(PAGE.read_text(encoding="utf-8")), "run python -m tests.zoo.tutorial_notebook --write"
    nbformat.validate(nbformat.reads(written, as_version=4))
    assert "tutorial.ipynb" in PAGE.read_text(encoding="utf-8")


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    specgraph = programs / "specgraph"
    specgraph.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m specgraph "$@"\n', encoding="utf-8")
    specgraph.chmod(0o755)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    for name, value in {**environment, "NO_COLOR": "1", "TMPDIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert text.count("--epochs 10") == 1
    notebook = nbformat.reads(text.replace("--epochs 10", "--epochs 1"), as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    before = json.loads(text)["cells"]
    commands = [
        (cell.source, printed(cell), printed(old))
        for cell, old in zip(notebook.cells, before, strict=True)
        if cell.cell_type == "code" and cell.source.startswith("!specgraph")
    ]
    light = [command for command in commands if command[0].split()[1] in LIGHT]
    assert len(light) >= 6
    assert [(command, new) for command, new, old in light if new != old] == []
    assert all(new and "specgraph: error" not in new for _, new, _ in commands)
    (folder,) = [path.parent for path in tmp_path.rglob("inception.onnx")]
    assert (folder / "run/result.json").exists()
    assert (folder / "inception.py").exists()
