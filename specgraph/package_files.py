"""What lies in a package's folder, also where the package is inside a zip archive."""

from __future__ import annotations

import os
from importlib import import_module


def files_in(package: str) -> list[str]:
    """Names of the files in a package's folder, sorted.

    `importlib.resources` would do, but importing it takes as long as checking a small spec.
    """
    try:
        return sorted(os.listdir(import_module(package).__path__[0]))
    except NotADirectoryError:
        from importlib.resources import files

        return sorted(entry.name for entry in files(package).iterdir())
