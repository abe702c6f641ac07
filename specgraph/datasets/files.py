"""Where the file that a recipe's data name lies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from specgraph.datasets.demands import missing
from specgraph.datasets.download import data_root
from specgraph.recipes.feeding import Data

BRACES = re.compile(r"\{([^{}]*)\}")
RANGE = re.compile(r"(\d+)\.\.(\d+)")


def data_file(data: Data) -> Path:
    """The path of `data.file`. Raises `CommandError` if no file is named."""
    lack = missing(data)
    if lack is not None:
        raise lack.error()
    assert data.file is not None
    return locate(data, data.file)


def current_root(data: Data) -> str | None:
    """The current folder, if what a recipe names without a root is found there."""
    shards = next(iter(data.urls.values())) if isinstance(data.urls, dict) else data.urls
    first = shards if isinstance(shards, str) or shards is None else shards[0]
    named = [name for name in (data.file, data.dataset, next(expanded(first), None) if first else None) if name]
    found = [name for name in named if not os.path.isabs(name) and locate(data, name) == Path(name)]
    return os.getcwd() if found else None


def locate(data: Data, name: str) -> Path:
    """Where a file or folder of a recipe's data lies: below `data.root` (or $SPECGRAPH_DATA); without one in the
    current folder, if it is there, else in the cache."""
    path = Path(name).expanduser()
    if path.is_absolute():
        return path
    if data.root is None and "SPECGRAPH_DATA" not in os.environ and path.exists():
        return path
    return data_root(data.root) / path


def expanded(text: str) -> Iterator[str]:
    """The names that braces mean: `a-{00..11}` counts with leading zeros, `{a,b}` lists."""
    match = BRACES.search(text)
    if match is None:
        yield text
        return
    inner = match.group(1)
    counted = RANGE.fullmatch(inner)
    if counted is None:
        parts: Iterator[str] = iter(inner.split(","))
    else:
        first, last = counted.groups()
        parts = (str(number).zfill(len(first)) for number in range(int(first), int(last) + 1))
    for part in parts:
        yield from expanded(text[: match.start()] + part + text[match.end() :])
