"""Users' own ops: registered by packages through entry points, or by modules named on the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from specgraph.errors import CommandError
from specgraph.ops.definition import Op
from specgraph.ops.registry import ops, register

if TYPE_CHECKING:
    from specgraph.backends.torch.lowering import Lower

GROUP = "specgraph.ops"
_loaded: set[str] = set()


def register_op(op: Op, *, torch: Lower, onnx: Callable[..., Any] | None = None) -> None:
    """Add a user's op: its definition (`specgraph.ops.definition.define`), how it becomes PyTorch
    (a function from a node to a `Lowering`), and how it becomes ONNX (as the functions in
    `specgraph.backends.onnx`; without it, export says that the op has no ONNX form).

    Raises ValueError where the name is taken.
    """
    from specgraph.backends.torch.lowering import register_lowering

    ops()
    register(op)
    register_lowering(op.name, torch)
    if onnx is not None:
        from specgraph.backends.onnx.lowering import lowerings

        lowerings()[op.name] = onnx


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
