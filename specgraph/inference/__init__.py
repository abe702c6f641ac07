"""Running exported models: sessions, verification, prediction, benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specgraph.inference.predictor import Predictor
    from specgraph.inference.session import Session
    from specgraph.inference.verify import Verification
    from specgraph.tasks.prediction import Prediction

__all__ = ["Prediction", "Predictor", "Session", "Verification"]

_HOMES = {
    "Prediction": "specgraph.tasks.prediction",
    "Predictor": "specgraph.inference.predictor",
    "Session": "specgraph.inference.session",
    "Verification": "specgraph.inference.verify",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
