"""Finds users' own ops: in packages, through entry points, and in modules named on the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import import_module

from specgraph.errors import CommandError

GROUP = "specgraph.ops"
_loaded: set[str] = set()


def load_plugins(modules: Iterable[str] = ()) -> None:
    """Import plug-in modules named on the command line; each calls `specgraph.register_op`.

    Raises `CommandError` where one cannot be imported.
    """
    for name in modules:
        if name in _loaded:
            continue
        _loaded.add(name)
        folder = os.getcwd()
        if folder not in sys.path:
            sys.path.insert(0, folder)
        _import(name)


def load_installed() -> None:
    """Import what installed packages registered under the entry-point group `specgraph.ops`.

    Done only when a spec uses an op that is not built in, because looking takes time.
    """
    if GROUP in _loaded:
        return
    _loaded.add(GROUP)
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP):
        if entry.module not in _loaded:
            _loaded.add(entry.module)
            _import(entry.module)


def _import(name: str) -> None:
    try:
        import_module(name)
    except Exception as error:
        raise CommandError(
            f"plug-in `{name}` could not be imported: {type(error).__name__}: {error}",
            "name a Python module that can be imported from here",
        ) from error
