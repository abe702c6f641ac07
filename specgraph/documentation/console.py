"""Console blocks in pages: what the program printed, run again so that it stays true.

A fenced block `console` whose first line is `$ specgraph check …` (or another command that only
reads) holds the command and its output, standard output first, then standard error.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"```console\n\$ specgraph (?P<command>[^\n]*)\n(?P<output>.*?)```", re.DOTALL)
RERUN = ("check", "explain", "summary", "diff", "runs", "new")
PAGES_WITH_CONSOLE = (
    "README.md",
    "docs/cost.md",
    "docs/diff.md",
    "docs/source.md",
)


def run(command: str, folder: Path) -> str:
    """What `specgraph COMMAND` prints in a folder, without colour."""
    words = [sys.executable, "-m", "specgraph", *shlex.split(command)]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "110", "PYTHONPATH": str(folder)}
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    return "\n".join(part.rstrip("\n") for part in (done.stdout, done.stderr) if part.strip()) + "\n"


def refresh(text: str, folder: Path) -> str:
    """The page with every block's output as the program prints it now."""

    def again(match: re.Match[str]) -> str:
        command = match["command"]
        if command.split()[0] not in RERUN and not command.endswith("--python -"):
            return match[0]
        return f"```console\n$ specgraph {command}\n{run(command, folder)}```"

    return BLOCK.sub(again, text)
