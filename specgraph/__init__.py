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
    "check": "specgraph.checking",
    "load": "specgraph.checking",
    "Report": "specgraph.checking",
    "compile": "specgraph.api",
    "diff": "specgraph.api",
    "emit_python": "specgraph.api",
    "evaluate": "specgraph.api",
    "export_onnx": "specgraph.api",
    "predict": "specgraph.api",
    "render": "specgraph.api",
    "summary": "specgraph.api",
    "train": "specgraph.api",
    "verify": "specgraph.api",
    "Graph": "specgraph.graph.model",
    "Node": "specgraph.graph.model",
    "TensorType": "specgraph.graph.types",
    "CommandError": "specgraph.errors",
    "SpecError": "specgraph.errors",
    "SpecgraphError": "specgraph.errors",
    "VerificationError": "specgraph.errors",
    "Diagnostic": "specgraph.diagnostics.model",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'specgraph' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


if TYPE_CHECKING:
    from specgraph.api import (
        compile,
        diff,
        emit_python,
        evaluate,
        export_onnx,
        predict,
        render,
        summary,
        train,
        verify,
    )
    from specgraph.checking import Report, check, load
    from specgraph.diagnostics.model import Diagnostic
    from specgraph.errors import CommandError, SpecError, SpecgraphError, VerificationError
    from specgraph.graph.model import Graph, Node
    from specgraph.graph.types import TensorType
