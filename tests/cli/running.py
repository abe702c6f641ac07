"""Running the program in tests: inside this process, or as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from specgraph.cli.main import main

GOOD = "specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes:\n  flatten: flatten\n  fc: {op: linear, out_features: 10}\n"
MISSPELT = GOOD.replace("op: linear", "op: linaer")


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


class Program:
    """Runs the program in this process, with its output captured."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str | Path) -> Outcome:
        code = main([str(argument) for argument in arguments])
        captured = self.capsys.readouterr()
        assert "Traceback" not in captured.err
        return Outcome(code, captured.out, captured.err)


def run_process(*arguments: str | Path, **more: Any) -> Outcome:
    """Run the program as a process."""
    command = [sys.executable, "-m", "specgraph", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)
    return Outcome(done.returncode, done.stdout, done.stderr)
