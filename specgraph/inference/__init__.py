"""Running exported models: sessions, verification, prediction, benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specgraph.inference.predictor import Prediction, Predictor
    from specgraph.inference.session import Session
    from specgraph.inference.verify import Verification

__all__ = ["Prediction", "Predictor", "Session", "Verification"]

_HOMES = {
    "Prediction": "predictor",
    "Predictor": "predictor",
    "Session": "session",
    "Verification": "verify",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
