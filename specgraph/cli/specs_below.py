"""Finding the specs in folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from specgraph.errors import CommandError

ENDINGS = (".yaml", ".yml", ".json")
SKIPPED = frozenset(("node_modules", "__pycache__", "venv"))
TOP_LEVEL = re.compile(rb"^[ \t\xef\xbb\xbf{]*[\"']?(specgraph|nodes|blocks|inputs)[\"']?[ \t]*:", re.MULTILINE)
READ = 65536
RUN_ENVIRONMENT = "environment.json"
"""Lies beside the spec of each training run, and says by which version it was made under `specgraph`."""


def specs_of(paths: Iterable[str]) -> list[str]:
    """The specs meant by paths: files as they are, and every spec below a folder, in order.

    A file below a folder counts where its beginning has a key of the language at the start of a
    line; hidden folders are skipped. Raises `CommandError` for a folder without specs.
    """
    found: dict[str, None] = {}
    for path in paths:
        if path != "-" and os.path.isdir(path):
            below = specs_below(path)
            if not below:
                raise CommandError(f"there is no spec below {path}", "a spec is a .yaml, .yml or .json file")
            found.update(dict.fromkeys(below))
        else:
            found[path] = None
    return list(found)


def specs_below(folder: str) -> list[str]:
    """Every spec below a folder, sorted."""
    found = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED)
        for name in sorted(names):
            path = os.path.join(where, name)
            if name.endswith(ENDINGS) and not name.startswith(".") and not _is_special(path) and _is_spec(path):
                found.append(path)
    return found


def _is_special(path: str) -> bool:
    """Whether it is a pipe or a device, which may never end."""
    return os.path.exists(path) and not os.path.isfile(path)


def _is_spec(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            beginning = file.read(READ)
            if os.path.basename(path) == RUN_ENVIRONMENT and b'"nodes"' not in beginning:
                return False
            return TOP_LEVEL.search(beginning) is not None
    except OSError:
        return True  # checking it will say what is wrong
