"""The tools of a fresh clone: they make their environment themselves, and delete nothing of others."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.helpers import ROOT

TOOLS = sorted(path.name for path in (ROOT / "tools").iterdir() if path.is_file() and not path.suffix)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A finished environment whose programs write their arguments to `said`, and nothing else on PATH
    that is named so."""
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "specgraph", "ruff", "mypy"):
        program = programs / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/said\n')
        program.chmod(0o755)
    stamped = (ROOT / "pyproject.toml").read_bytes() + (ROOT / "tools/setup").read_bytes()
    for resolution in ("highest", "lowest-direct"):
        (programs.parent / f".specgraph-{resolution}-{hashlib.sha256(stamped).hexdigest()[:16]}").touch()
    return {"PATH": "/usr/bin:/bin", "SPECGRAPH_VENV": str(programs.parent)}


def run(tool: str, *arguments: str, environment: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "tools" / tool), *arguments], env=environment, cwd=cwd, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool not in ("setup", "demo", "viewer")])
def test_tools_run_in_the_environment_that_they_make(tool: str, environment: dict[str, str], tmp_path: Path) -> None:
    assert os.access(ROOT / "tools" / tool, os.X_OK)
    done = run(tool, "--flag", environment=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "said").read_text().splitlines()[-1].endswith(" --flag")
    script = ROOT / "tools" / f"{tool}.py"
    assert not script.exists() or f"python tools/{tool}.py --flag" in (tmp_path / "said").read_text()


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        (["--cov"], "--cov=specgraph"),
        (["--cov", "tests/ops", "-k", "conv"], "--cov=specgraph tests/ops -k conv"),
        (["--cov=specgraph.ops", "--cov-report=xml"], "--cov=specgraph.ops --cov-report=xml"),
    ],
    ids=["alone", "before a path", "pytest's own"],
)
def test_coverage_is_of_the_package_unless_said(
    given: list[str], passed: str, environment: dict[str, str], tmp_path: Path
) -> None:
    assert run("test", *given, environment=environment, cwd=tmp_path).returncode == 0
    assert (tmp_path / "said").read_text().splitlines()[-1].endswith(f"--dist worksteal {passed}")


def test_another_resolution_is_another_environment(environment: dict[str, str], tmp_path: Path) -> None:
    venv = Path(environment["SPECGRAPH_VENV"])
    for stamp in venv.glob(".specgraph-lowest-direct-*"):
        stamp.unlink()
    done = run("test-lowest", environment={**environment, "SPECGRAPH_PYTHON": "no-such"}, cwd=tmp_path)
    assert done.returncode == 2
    assert "no-such" in done.stderr


def test_the_demo_empties_its_own_folder_alone(environment: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    for leftover in ("first", "second"):
        done = run("demo", "out", environment=environment, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert sorted(path.name for path in out.iterdir()) == [".made-by-demo"]
        (out / leftover).touch()


@pytest.mark.parametrize("name", ["holds", "holds/.hidden", "file"])
def test_the_demo_refuses_a_folder_of_others(name: str, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "holds" / ".hidden").mkdir(parents=True)
    (tmp_path / "holds" / ".hidden" / "work").write_text("kept")
    (tmp_path / "file").write_text("kept")
    before = sorted(tmp_path.rglob("*"))
    done = run("demo", name, environment=environment, cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before
