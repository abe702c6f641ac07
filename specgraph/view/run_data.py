"""A run as the page shows it: its curves so far, what it came to, how it was started."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from specgraph.errors import CommandError
from specgraph.runs.folder import run_weights
from specgraph.runs.run import Run

TOLD = ("seed", "device", "recipe", "data", "command", "started")


def run_data(folder: Path) -> dict[str, Any]:
    """Curves (a list of numbers per column of metrics.csv, an epoch each), result and environment. What a run
    in progress has not written yet is empty."""
    run = Run(folder)
    try:
        environment, result = run.environment, run.result
    except CommandError:
        environment, result = {}, {}
    weights = run_weights(folder)
    return {
        "folder": os.fspath(folder),
        "curves": curves(folder / "metrics.csv"),
        "result": result,
        "environment": {name: str(environment[name]) for name in TOLD if environment.get(name) is not None},
        "has_weights": weights is not None,
        "finished": bool(result),
    }


def curves(path: Path) -> dict[str, list[float | None]]:
    """The columns of a metrics file; a value that is not a number, and a row that is half written, is None."""
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return {}
    names = [name for name in (rows[0] if rows else {}) if isinstance(name, str)]
    return {name: [_number(row.get(name)) for row in rows] for name in names}


def _number(text: Any) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if value == value and abs(value) != float("inf") else None
