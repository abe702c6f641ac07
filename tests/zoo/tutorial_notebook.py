"""docs/tutorial.ipynb: the tutorial's page as a notebook, with the outputs that the page prints.

    python -m tests.zoo.tutorial_notebook --write

The page is the source: files become `%%writefile` cells, edits and Python become Python cells, commands become `!`
cells.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from tests.helpers import ROOT
from tests.zoo.tutorial_page import PAGE, PART

NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"
WORK_FOLDER = """\
# The notebook writes into a new folder.
import os
import tempfile

os.chdir(tempfile.mkdtemp())"""
EDIT = """\
from pathlib import Path

path = Path({path!r})
path.write_text(path.read_text().replace({old!r}, {new!r}))"""


def text_cell(text: str) -> dict[str, Any]:
    """A cell of markdown."""
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def code_cell(code: str, printed: str = "") -> dict[str, Any]:
    """A cell of code, with what it printed."""
    streams = [{"name": "stdout", "output_type": "stream", "text": printed.splitlines(keepends=True)}]
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": streams if printed else [],
        "source": code.splitlines(keepends=True),
    }


def cells_of(part: re.Match[str]) -> list[dict[str, Any]]:
    """The cells for one part of the page that does something."""
    if part["file"]:
        return [code_cell(f"%%writefile {part['file']}\n{part['text'].rstrip()}")]
    if part["edited"]:
        return [code_cell(EDIT.format(path=part["edited"], old=part["old"], new=part["new"]))]
    if part["python"]:
        return [code_cell(part["python"].rstrip())]
    if part["console"]:
        commands = re.split(r"^\$ (.*)\n", part["console"], flags=re.MULTILINE)[1:]
        return [
            code_cell(f"!{command}", printed) for command, printed in zip(commands[::2], commands[1::2], strict=True)
        ]
    return []


def notebook_of(page: str) -> str:
    """The notebook of a page, as the text of its file."""
    cells: list[dict[str, Any]] = []
    end = 0
    for part in PART.finditer(page):
        cells += [text_cell(text)] if (text := page[end : part.start()].strip()) else []
        cells += cells_of(part)
        end = part.end()
    cells += [text_cell(text)] if (text := page[end:].strip()) else []
    cells.insert(1, code_cell(WORK_FOLDER))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.zoo.tutorial_notebook --write")
    NOTEBOOK.write_text(notebook_of(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
