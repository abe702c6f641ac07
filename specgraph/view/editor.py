"""Opening the line of a node in the editor that $VISUAL or $EDITOR names."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

from specgraph.errors import CommandError
from specgraph.view.project import is_inside, project_folder

GOTO = {
    **dict.fromkeys(("code", "codium", "cursor", "windsurf", "code-insiders"), ("-g", "{path}:{line}:{column}")),
    **dict.fromkeys(("subl", "zed"), ("{path}:{line}:{column}",)),
    **dict.fromkeys(("gvim", "gedit"), ("+{line}", "{path}")),
    "emacsclient": ("-n", "+{line}:{column}", "{path}"),
    "kate": ("-l", "{line}", "-c", "{column}", "{path}"),
    **dict.fromkeys(("idea", "pycharm", "charm"), ("--line", "{line}", "{path}")),
}
"""Editors with a window of their own, and how they are told a place."""


def editor_command() -> list[str] | None:
    """The command of the user's editor, where it is one with a window."""
    words = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")
    if not words or os.path.basename(words[0]) not in GOTO or shutil.which(words[0]) is None:
        return None
    return words


def open_in_editor(data: dict[str, Any], file: Path, node: str) -> dict[str, Any]:
    """Open the line of a node. `data` is the page's, `file` the spec whose project bounds what is opened. Raises
    `CommandError` if there is no such node or no such editor."""
    nodes, spans = data["nodes"], data["spans"]
    row = nodes["span"][nodes["path"].index(node)] if node in nodes["path"] else -1
    if not 0 <= row < len(spans):
        raise CommandError("there is no such node in a file")
    index, line, column, _, _ = spans[row]
    path = Path(os.path.realpath(data["files"][index]))
    if not path.is_file() or not is_inside(path, project_folder(file)):
        raise CommandError("its file lies outside the project")
    words = editor_command()
    if words is None:
        raise CommandError("$EDITOR names no editor with a window", "set it to code, subl, zed, gvim or emacsclient")
    place = [part.format(path=path, line=line, column=column) for part in GOTO[os.path.basename(words[0])]]
    subprocess.Popen([*words, *place], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {}
