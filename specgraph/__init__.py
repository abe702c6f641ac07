"""specgraph: a declarative graph-spec model compiler.

A convolutional network is a YAML or JSON file; specgraph checks it, compiles it to an ordinary
`torch.nn.Module`, trains it, exports it to ONNX and draws it. Nothing heavy is imported until a
function that needs it is called.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from specgraph.version import __version__

_HOMES = {
    "check": "specgraph.checking",
    "load": "specgraph.checking",
    "Report": "specgraph.checking",
    "compile": "specgraph.api",
    "diff": "specgraph.api",
    "emit_python": "specgraph.api",
    "render": "specgraph.api",
    "summary": "specgraph.api",
    "evaluate": "specgraph.training.api",
    "train": "specgraph.training.api",
    "export_onnx": "specgraph.backends.onnx.export",
    "predict": "specgraph.inference.predictor",
    "verify": "specgraph.inference.verify",
    "from_module": "specgraph.importers",
    "import_onnx": "specgraph.importers",
    "register_op": "specgraph.plugin",
    "Graph": "specgraph.graph.model",
    "Node": "specgraph.graph.model",
    "TensorType": "specgraph.graph.types",
    "CommandError": "specgraph.errors",
    "SpecError": "specgraph.errors",
    "SpecgraphError": "specgraph.errors",
    "VerificationError": "specgraph.errors",
    "Diagnostic": "specgraph.diagnostics.model",
}

__all__ = [
    "CommandError",
    "Diagnostic",
    "Graph",
    "Node",
    "Report",
    "SpecError",
    "SpecgraphError",
    "TensorType",
    "VerificationError",
    "__version__",
    "check",
    "compile",
    "diff",
    "emit_python",
    "evaluate",
    "export_onnx",
    "from_module",
    "import_onnx",
    "load",
    "predict",
    "register_op",
    "render",
    "summary",
    "train",
    "verify",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'specgraph' has no attribute {name!r}")
    try:
        value = getattr(import_module(home), name)
    except ModuleNotFoundError as error:
        from specgraph.errors import missing_package

        missing = missing_package(error, f"specgraph.{name}")
        if missing is None:
            raise
        raise missing from None
    globals()[name] = value
    if "specgraph.graph.model" in sys.modules:
        sys.modules["specgraph.graph.model"].show_graphs_with(_diagram, _widget)
    return value


def _diagram(graph: Graph) -> str:
    from specgraph.backends.graphviz import render_svg

    return render_svg(graph)


def _widget(graph: Graph) -> dict[str, Any] | None:
    from specgraph.view.notebook import widget_bundle

    return widget_bundle(graph)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


if TYPE_CHECKING:
    from specgraph.api import compile, diff, emit_python, render, summary
    from specgraph.backends.onnx.export import export_onnx
    from specgraph.checking import Report, check, load
    from specgraph.diagnostics.model import Diagnostic
    from specgraph.errors import CommandError, SpecError, SpecgraphError, VerificationError
    from specgraph.graph.model import Graph, Node
    from specgraph.graph.types import TensorType
    from specgraph.importers import from_module, import_onnx
    from specgraph.inference.predictor import predict
    from specgraph.inference.verify import verify
    from specgraph.plugin import register_op
    from specgraph.training.api import evaluate, train
