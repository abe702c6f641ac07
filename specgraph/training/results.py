"""What a finished run leaves: the scores first, then what a person looks at."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from specgraph.errors import CommandError, reason
from specgraph.graph.model import Graph
from specgraph.recipes.recipe import Recipe
from specgraph.training.data import RunData
from specgraph.training.evaluation import Predictions, Scores


def summarise(rows: list[dict[str, float]], best: dict[str, float], scores: Scores, data: RunData) -> dict[str, Any]:
    """The content of `result.json`."""
    return {
        "best_epoch": int(best["epoch"]),
        "validation_loss": best["val_loss"],
        "validation_accuracy": best["val_accuracy"],
        "test_loss": scores.loss,
        "test_accuracy": scores.accuracy,
        "test_images": scores.num_images,
        "epochs": len(rows),
        "seconds": sum(row["seconds"] for row in rows),
        "selected_on": "test" if data.validation is data.test else "validation",
    }


def draw(
    folder: Path,
    graph: Graph,
    recipe: Recipe,
    rows: list[dict[str, float]],
    result: dict[str, Any],
    data: RunData,
    predictions: Predictions,
) -> list[str]:
    """Write `curves.png` and `report.html`. Gives what the user should know about what is missing: a
    picture is never worth a lost run."""
    from specgraph.training.report import write_report

    try:
        return write_report(folder, graph, recipe, rows, result, data, predictions)
    except (CommandError, OSError) as fault:
        why = fault.message if isinstance(fault, CommandError) else reason(fault)
        again = f"specgraph train --resume {shlex.quote(str(folder))}"
        return [f"there is no report: {why}; the results are kept, and `{again}` writes it"]
