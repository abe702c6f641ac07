"""The project of a spec: the only files that a page may touch."""

from __future__ import annotations

import os
from pathlib import Path

MARKS = ("pyproject.toml", ".git", ".hg")


def project_folder(spec: Path) -> Path:
    """The nearest folder at or above a spec that is a project's, else the spec's own."""
    folder = Path(os.path.realpath(spec)).parent
    for each in (folder, *folder.parents):
        if any((each / mark).exists() for mark in MARKS):
            return each
    return folder


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path, links followed, lies below a folder."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
