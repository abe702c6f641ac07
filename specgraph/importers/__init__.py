"""From other descriptions of a network back to a spec: ONNX files, PyTorch modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specgraph.importers.api import Imported, from_module, import_model
    from specgraph.importers.api import import_model as import_onnx

__all__ = ["Imported", "from_module", "import_model", "import_onnx"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from specgraph.importers import api

    return getattr(api, "import_model" if name == "import_onnx" else name)
