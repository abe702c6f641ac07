"""Users' own ops: registered by packages through entry points, or by modules named on the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import import_module

from specgraph.errors import CommandError

GROUP = "specgraph.ops"
_loaded: set[str] = set()


def load_plugins(modules: Iterable[str] = ()) -> None:
    """Import plug-in modules; each registers its ops with `specgraph.register_op` when imported.

    Installed packages are asked through the entry-point group `specgraph.ops` when
    `SPECGRAPH_PLUGINS` is not set to `off`. Raises `CommandError` where a module cannot be imported.
    """
    for name in modules:
        if name in _loaded:
            continue
        _loaded.add(name)
        folder = os.getcwd()
        if folder not in sys.path:
            sys.path.insert(0, folder)
        try:
            import_module(name)
        except Exception as error:
            raise CommandError(
                f"plug-in `{name}` could not be imported: {type(error).__name__}: {error}",
                "name a Python module that can be imported from here",
            ) from error
