"""How large a file may be. Each limit can be raised by an environment variable."""

from __future__ import annotations

import os

DEFAULTS = {
    "SPECGRAPH_MAX_BYTES": 32 * 2**20,
    "SPECGRAPH_MAX_DEPTH": 100,
    "SPECGRAPH_MAX_VALUES": 2_000_000,
    "SPECGRAPH_MAX_ALIASED_VALUES": 100_000,
    "SPECGRAPH_MAX_NODES": 150_000,
    "SPECGRAPH_MAX_IMPORTED_NODES": 20_000,
}
MAX_DIGITS = 400
"""Longest number that is read."""


def limit(name: str) -> int:
    """The limit in force: `name` from the environment where it is a positive integer, else its default.

    `SPECGRAPH_MAX_BYTES` of one file; `SPECGRAPH_MAX_DEPTH` of nested collections;
    `SPECGRAPH_MAX_VALUES` in one file; `SPECGRAPH_MAX_ALIASED_VALUES` that aliases repeat;
    `SPECGRAPH_MAX_NODES` of one network, expanded; `SPECGRAPH_MAX_IMPORTED_NODES` of a file that is imported.
    """
    given = os.environ.get(name, "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else 0
    return number or DEFAULTS[name]
