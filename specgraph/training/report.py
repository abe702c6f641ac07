"""`report.html`: the page of `specgraph view` for a finished run, frozen. What it says of the run is data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from specgraph.backends.view import emit_view, without_places
from specgraph.backends.view.page import render_page
from specgraph.graph.model import Graph
from specgraph.read_back import html_problem, write_read_back
from specgraph.recipes.recipe import Recipe, plain_recipe
from specgraph.runs.folder import run_weights
from specgraph.runs.page_data import run_data
from specgraph.runs.run import dump_yaml
from specgraph.runs.weights import load_weights
from specgraph.tasks.task import Judge, Metric
from specgraph.training.histograms import weights_by_node
from specgraph.training.run_images import RunData
from specgraph.training.showing import show

Row = dict[str, float]


def write_report(
    folder: Path,
    graph: Graph,
    recipe: Recipe,
    rows: list[Row],
    result: dict[str, Any],
    data: RunData,
    judge: Judge,
) -> list[str]:
    """Write `curves.png` and `report.html`. Gives what the user should know about what is missing."""
    problems: list[str] = []
    metric = data.task.metrics[0]
    try:
        from specgraph.training.figures import draw_curves, save_png

        save_png(draw_curves(rows, result, metric), folder / "curves.png")
    except ImportError:
        problems.append("matplotlib is not installed: no curves.png (pip install 'specgraph[train]')")
    weights = run_weights(folder)
    run = {
        **run_data(folder),
        "folder": folder.name,
        "result": result,
        "finished": True,
        "weights": {} if weights is None else weights_by_node(graph, load_weights(weights)[0]),
        "report": {
            "split": "test",
            **_heading(graph, result, data, metric),
            "exhibits": exhibits_data(judge, data, "test"),
            "tables": _tables(judge),
            "epochs": _epochs(rows, result, metric),
            "recipe": dump_yaml(plain_recipe(recipe)),
        },
    }
    page = {**without_places(emit_view(graph)), "title": graph.name, "subject": "run", "read_only": True, "run": run}
    write_read_back(folder / "report.html", render_page(graph.name, page), html_problem)
    return problems


def exhibits_data(judge: Judge, data: RunData, split: str) -> list[dict[str, Any]]:
    """What a task shows of a set that was judged, `test` or `validation`, as the page draws it."""
    samples = {"test": data.test, "validation": data.validation}[split]
    shown = [show(exhibit, data, samples) for exhibit in judge.exhibits()]
    return [each for each in shown if each is not None]


def _heading(graph: Graph, result: dict[str, Any], data: RunData, metric: Metric) -> dict[str, Any]:
    """What stands at the head: the figures that count, the images, what is wrong, and the other metrics."""
    name, title = metric.name, metric.title
    key, words = metric.beside or ("", "")
    beside = [(metric.show(result[key]), f"{title} {words}")] if key in result else []
    tiles = [
        *((each.show(result[f"test_{each.name}"]), f"test {each.title}") for each in data.task.headlines),
        *beside,
        (metric.show(result[f"validation_{name}"]), f"{result['selected_on']} {title}, epoch {result['best_epoch']}"),
        (f"{result['test_loss']:.4f}", "test loss"),
        (f"{graph.num_parameters:,}", "parameters"),
        (f"{result['epochs']}", "epochs"),
        (_duration(result["seconds"]), "of training"),
    ]
    images = f"{len(data.train):,} training, {len(data.validation):,} validation, {len(data.test):,} test images"
    rest = [metric for metric in data.task.metrics if metric not in data.task.headlines]
    told = [f"{metric.title} {metric.show(result[f'test_{metric.name}'])}" for metric in rest]
    return {
        "about": f"{data.dataset.name}: {images}",
        "tiles": tiles,
        "remarks": [f"{remark[:1].upper()}{remark[1:]}." for remark in result.get("remarks", ())],
        "others": f"Test set: {', '.join(told)}" if told else "",
    }


def _tables(judge: Judge) -> list[dict[str, Any]]:
    """Figures for each class, label or number."""
    details = {key: value for key, value in judge.details().items() if key.startswith("per_")}
    return [
        {
            "title": key.replace("_", " ").capitalize(),
            "columns": ["", *next(iter(rows.values()), {})],
            "rows": [[name, *map(_cell, row.values())] for name, row in rows.items()],
        }
        for key, rows in details.items()
    ]


def _cell(value: float | None) -> str:
    """A figure; `–` for one that the set does not tell."""
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _epochs(rows: list[Row], result: dict[str, Any], metric: Metric) -> dict[str, Any]:
    """A row for each epoch, the place of the best one, and what the curves need to know of the metric."""
    name, title = metric.name, metric.title
    columns = ["epoch", "train loss", f"train {title}", "validation loss", f"validation {title}", "lr", "images/s"]
    written = [
        [
            f"{int(row['epoch'])}",
            f"{row['train_loss']:.4f}",
            metric.show(row[f"train_{name}"]),
            f"{row['val_loss']:.4f}",
            metric.show(row[f"val_{name}"]),
            f"{row['lr']:.4g}",
            f"{row['images_per_second']:,.0f}",
        ]
        for row in rows
    ]
    best = [place for place, row in enumerate(rows) if int(row["epoch"]) == result["best_epoch"]]
    return {"title": "Epochs", "columns": columns, "rows": written, "best": best[0] if best else -1}


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
