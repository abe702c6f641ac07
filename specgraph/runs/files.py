"""Folders of runs."""

from __future__ import annotations

import os
from pathlib import Path

from specgraph.errors import CommandError, reason


def make_folder(path: Path) -> None:
    """Create a folder and those above it. Raises `CommandError`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"the folder {path} cannot be made: {reason(error)}", "choose another with --out DIR"
        ) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise CommandError(f"the folder {path} is not writable", "choose another with --out DIR")
