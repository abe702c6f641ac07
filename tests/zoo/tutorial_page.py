"""docs/tutorial.md as a program: its files are written, its commands run, their output compared.

    python -m tests.zoo.tutorial_page --write [--light]

runs everything, training included, and puts the real output and pictures into the page; with
`--light` only what needs no training.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.helpers import ROOT

PAGE = ROOT / "docs" / "tutorial.md"
LIGHT = ("check", "summary", "diff", "explain")
"""Commands whose output is the same everywhere and comes at once."""
PART = re.compile(
    r"<!-- file: (?P<file>\S+) -->\n```yaml\n(?P<text>.*?)^```$"
    r"|<!-- edit: (?P<edited>\S+): (?P<old>.+?) => (?P<new>.+?) -->"
    r"|<!-- keep: (?P<made>\S+) as (?P<kept>\S+) -->"
    r"|```python\n(?P<python>.*?)^```$"
    r"|```console\n(?P<console>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Difference(NamedTuple):
    """A console block that is not what the program prints."""

    command: str
    printed: str
    expected: str


def run(command: str, folder: Path) -> str:
    """What a terminal of 120 columns shows of a command, without its progress lines."""
    environment = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
    verb, _, rest = command.partition(" ")
    assert verb == "specgraph"
    result = subprocess.run(
        [sys.executable, "-m", "specgraph", *rest.split()],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    lines = [line.rstrip() for line in result.stdout.splitlines() if not re.match(r"epoch \d+/\d+ +step ", line)]
    return "".join(f"{line}\n" for line in lines)


def play(page: str, folder: Path, *, everything: bool) -> tuple[str, list[Difference]]:
    """(the page with real output, differences). Commands that are not light run only with `everything`."""
    differences: list[Difference] = []

    def part(match: re.Match[str]) -> str:
        if match["file"]:
            (folder / match["file"]).write_text(match["text"])
        elif match["edited"]:
            path = folder / match["edited"]
            text = path.read_text()
            assert match["old"] in text, match["old"]
            path.write_text(text.replace(match["old"], match["new"]))
        elif match["python"] and everything:
            subprocess.run([sys.executable, "-c", match["python"]], cwd=folder, check=True)
        elif match["console"]:
            return console(match["console"], match[0])
        return match[0]

    def console(block: str, whole: str) -> str:
        commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        if not everything and not all(command.split()[1] in LIGHT for command in commands):
            return whole
        printed = "".join(f"$ {command}\n{run(command, folder)}" for command in commands)
        if printed != block:
            differences.append(Difference("; ".join(commands), printed, block))
        return f"```console\n{printed}```"

    return PART.sub(part, page), differences


def write(*, everything: bool) -> None:
    """Run the page and write what came out."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page, _ = play(PAGE.read_text(), folder, everything=everything)
        PAGE.write_text(page)
        for match in PART.finditer(page):
            if everything and match["made"]:
                shutil.copyfile(folder / match["made"], PAGE.parent / match["kept"])


if __name__ == "__main__":
    if sys.argv[1:] not in (["--write"], ["--write", "--light"]):
        sys.exit("usage: python -m tests.zoo.tutorial_page --write [--light]")
    write(everything="--light" not in sys.argv)
