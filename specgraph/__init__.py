"""specgraph: a declarative graph-spec model compiler.

A convolutional network is a YAML or JSON file; specgraph checks it, compiles it to an ordinary
`torch.nn.Module`, trains it, exports it to ONNX and draws it. Nothing heavy is imported until a
function that needs it is called.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "check": "specgraph.check",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'specgraph' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


if TYPE_CHECKING:
    pass
