"""What makes a folder that of a training run: names of files, and which of its epochs counts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

RUN_SPEC = "spec.yaml"
RUN_WEIGHTS = ("best.safetensors", "last.safetensors")


def is_run(path: str | os.PathLike[str]) -> bool:
    """Whether a path is the folder of a training run."""
    return os.path.isfile(os.path.join(path, RUN_SPEC))


def run_weights(run: str | os.PathLike[str]) -> Path | None:
    """The weights a run is judged by: of the best epoch, else the last; None before the first."""
    return next((Path(run, name) for name in RUN_WEIGHTS if os.path.isfile(os.path.join(run, name))), None)


def best_row(rows: Sequence[dict[str, float]], metric: str = "accuracy", mode: str = "max") -> dict[str, float] | None:
    """The epoch that is best by a metric of the validation set, of its rows; the lower loss decides between equals."""
    sign = 1 if mode == "max" else -1
    return max(rows, key=lambda row: (sign * row[f"val_{metric}"], -row["val_loss"])) if rows else None
