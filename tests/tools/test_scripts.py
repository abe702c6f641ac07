"""The scripts of tools/gpu and tools/imports find what they import; with `--all` each runs, small and on the CPU."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

GPU, IMPORTS = ROOT / "tools/gpu", ROOT / "tools/imports"
SHARED = {GPU: GPU / "parts.py", IMPORTS: IMPORTS / "rooms.py"}
"""The only file of each folder that knows rooms of the package."""
SCRIPTS = sorted(path for folder in SHARED for path in folder.glob("*.py") if path not in SHARED.values())
PATIENCE = 600


def dry(*command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A program run as small as it goes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DRY": "1", "DEVICE": "cpu", "OMP_NUM_THREADS": "1", **more}
    return subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=PATIENCE)


def imported(path: Path) -> dict[str, set[str]]:
    """Modules that a script imports at any depth, with the names taken from each."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.setdefault(node.module, set()).update(alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.name, set())
    return found


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_only_one_file_of_a_folder_knows_rooms(path: Path) -> None:
    assert [name for name in imported(path) if name.startswith("specgraph.")] == []


@pytest.mark.parametrize("shared", SHARED.values(), ids=lambda path: path.stem)
def test_what_is_shared_is_there(shared: Path) -> None:
    """Every name that a script takes from the shared file; the file itself is imported, so that its rooms are there."""
    wanted = {name for path in SCRIPTS if path.parent == shared.parent for name in imported(path).get(shared.stem, ())}
    program = f"import sys; sys.path.insert(0, {str(shared.parent)!r}); import {shared.stem} as m; "
    done = dry(sys.executable, "-c", program + f"print([name for name in {sorted(wanted)!r} if not hasattr(m, name)])")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert wanted


@pytest.mark.campaign
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_script_runs(path: Path, tmp_path: Path) -> None:
    done = dry(sys.executable, path, WORK=str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    assert "FAILED" not in done.stdout, done.stdout + done.stderr[-3000:]


@pytest.mark.campaign
def test_the_first_run_on_a_gpu_runs_on_a_cpu(tmp_path: Path) -> None:
    parts = ("00-env", "05-exact", "09-onnxruntime", "11-command-line")
    done = dry("bash", GPU / "first_run.sh", OUT=str(tmp_path), PY=sys.executable, ONLY="|".join(parts))
    summary = (tmp_path / "summary.txt").read_text(encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert [part for part in parts if f"== {part}: rc 0" not in summary] == [], summary
    assert "FAILED" not in summary
