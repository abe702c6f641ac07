"""The names under which trackers get the numbers of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PARTS = {"train": "train", "val": "validation", "test": "test"}
NAMES = {"lr": "learning_rate", "images_per_second": "images_per_second"}
LEFT_OUT = ("epoch", "seconds")


def of_epoch(row: Mapping[str, float]) -> dict[str, float]:
    """The scalars of a row of `metrics.csv`: `val_loss` is `loss/validation`."""
    return {_name(key): float(value) for key, value in row.items() if key not in LEFT_OUT}


def of_result(result: Mapping[str, Any]) -> dict[str, float]:
    """The scores on the test set of a `result.json`: `test_accuracy` is `accuracy/test`."""
    return {
        _name(key): float(value)
        for key, value in result.items()
        if key.startswith("test_") and key != "test_images" and isinstance(value, int | float)
    }


def _name(key: str) -> str:
    part, _, what = key.partition("_")
    return f"{what}/{PARTS[part]}" if part in PARTS else NAMES.get(key, key)
