"""What a finished run leaves: the scores first, then what a person looks at."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from specgraph.errors import CommandError, reason
from specgraph.graph.model import Graph
from specgraph.recipes.recipe import Recipe
from specgraph.tasks.task import Judge, Metric
from specgraph.training.evaluation import Scores
from specgraph.training.remarks import remarks_on
from specgraph.training.run_images import RunData


def summarise(
    rows: list[dict[str, float]], best: dict[str, float], scores: Scores, judge: Judge, data: RunData
) -> dict[str, Any]:
    """The content of `result.json`."""
    first, *others = scores.metrics
    validated = {f"validation_{name}": best[f"val_{name}"] for name in scores.metrics if f"val_{name}" in best}
    return {
        "best_epoch": int(best["epoch"]),
        "validation_loss": best["val_loss"],
        **validated,
        "test_loss": scores.loss,
        f"test_{first}": scores.metrics[first],
        "test_images": scores.num_images,
        "epochs": len(rows),
        "seconds": sum(row["seconds"] for row in rows),
        "selected_on": "test" if data.validation is data.test else "validation",
        **{f"test_{name}": scores.metrics[name] for name in others},
        **judge.details(),
        **({"remarks": remarks} if (remarks := remarks_on(rows, judge)) else {}),
    }


def conclusion(result: dict[str, Any], metric: Metric) -> list[str]:
    """The last lines that a person reads: what went wrong, and how good the network is."""
    of_what = f"({result['test_images']:,} images, weights of epoch {result['best_epoch']})"
    last = f"test {metric.tell(result[f'test_{metric.name}'], result)}, loss {result['test_loss']:.4f} {of_what}"
    return [*(f"warning: {remark}" for remark in result.get("remarks", ())), last]


def draw(
    folder: Path,
    graph: Graph,
    recipe: Recipe,
    rows: list[dict[str, float]],
    result: dict[str, Any],
    data: RunData,
    judge: Judge,
) -> list[str]:
    """Write `curves.png` and `report.html`. Gives what the user should know about what is missing: a
    picture is never worth a lost run."""
    from specgraph.training.report import write_report

    try:
        return write_report(folder, graph, recipe, rows, result, data, judge)
    except (CommandError, OSError) as fault:
        why = fault.message if isinstance(fault, CommandError) else reason(fault)
        again = f"specgraph train --resume {shlex.quote(str(folder))}"
        return [f"there is no report: {why}; the results are kept, and `{again}` writes it"]
