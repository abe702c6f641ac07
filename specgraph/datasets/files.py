"""Where the file that a recipe's data name lies."""

from __future__ import annotations

import os
from pathlib import Path

from specgraph.datasets.download import data_root
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data


def data_file(data: Data, what: str, example: str) -> Path:
    """The path of `data.file`. Raises `CommandError` if no file is named."""
    if data.file is None:
        raise CommandError(f"{what} is a file, and the recipe names none", example)
    return locate(data, data.file)


def locate(data: Data, name: str) -> Path:
    """Where a file or folder of a recipe's data lies: below `data.root` (or $SPECGRAPH_DATA); without one in the
    current folder, if it is there, else in the cache."""
    path = Path(name).expanduser()
    if path.is_absolute():
        return path
    if data.root is None and "SPECGRAPH_DATA" not in os.environ and path.exists():
        return path
    return data_root(data.root) / path
