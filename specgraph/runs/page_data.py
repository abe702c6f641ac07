"""A run as the page shows it: its curves so far, what it came to, how it was started."""

from __future__ import annotations

import csv
import json
import os
import shlex
from pathlib import Path
from typing import Any

from specgraph.errors import CommandError
from specgraph.runs.folder import run_weights
from specgraph.runs.run import Run

TOLD = ("seed", "device", "recipe", "data", "command", "started")
DATA_START = '<script type="application/json" id="data">'
MOST_BYTES = 200_000_000


def run_data(folder: Path) -> dict[str, Any]:
    """Curves (a list of numbers per column of metrics.csv, an epoch each), result and environment. What a run
    in progress has not written yet is empty; `report` is there once `report.html` is."""
    run = Run(folder)
    try:
        environment, result = run.environment, run.result
    except CommandError:
        environment, result = {}, {}
    weights = run_weights(folder)
    report = frozen_report(folder / "report.html") if result else None
    return {
        "folder": os.fspath(folder),
        "curves": curves(folder / "metrics.csv"),
        "result": result,
        "environment": {name: _told(environment[name]) for name in TOLD if environment.get(name) is not None},
        "has_weights": weights is not None,
        "finished": bool(result),
        **({"report": report} if report is not None else {}),
    }


def _told(value: Any) -> str:
    return shlex.join(map(str, value)) if isinstance(value, list) else str(value)


def frozen_report(path: Path) -> dict[str, Any] | None:
    """What a `report.html` says of its run: pictures of the test set, tables, the recipe. None if there is no such
    file, or if it holds no data."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        text = path.read_text(encoding="utf-8", errors="replace")
        start = text.index(DATA_START) + len(DATA_START)
        found = json.loads(text[start : text.index("</script>", start)])["run"]["report"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


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
