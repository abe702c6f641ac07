"""`report.html`: one file with curves, scores, confusion matrix, worst mistakes, recipe and diagram."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from specgraph.errors import CommandError, MissingPackageError
from specgraph.escaping import for_html
from specgraph.graph.model import Graph
from specgraph.read_back import html_problem, write_read_back
from specgraph.recipes.recipe import Recipe, plain_recipe
from specgraph.runs.run import dump_yaml
from specgraph.tasks.classification import ClassificationJudge, Predictions
from specgraph.tasks.task import Judge, Metric
from specgraph.training.run_images import RunData

NUM_WORST = 24
DRAWING_S = 20.0
"""How long a report waits for a drawing."""
NUM_CONFUSIONS = 10
STYLE = """
:root { color-scheme: light dark; --line: #8884; --muted: #777; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.sub { color: var(--muted); margin-top: .2rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .8rem; margin: 1.2rem 0; }
.tile { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem; }
.tile b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); font-size: .85rem; }
img { max-width: 100%; background: white; border-radius: .3rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
td, th { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--line); }
td:first-child, th:first-child { text-align: left; } tr.best { font-weight: 600; }
pre { background: #8881; padding: .8rem; border-radius: .4rem; overflow-x: auto; font-size: .85rem; }
.diagram { overflow-x: auto; background: white; border-radius: .3rem; padding: .5rem; }
.diagram svg { max-width: 100%; height: auto; }
.scroll { max-height: 26rem; overflow: auto; }
"""


def write_report(
    folder: Path,
    graph: Graph,
    recipe: Recipe,
    rows: list[dict[str, float]],
    result: dict[str, Any],
    data: RunData,
    judge: Judge,
) -> list[str]:
    """Write `curves.png` and `report.html`. Gives what the user should know about what is missing."""
    problems: list[str] = []
    metric = data.task.metrics[0]
    parts = [_header(graph, result, data, metric)]
    try:
        from specgraph.training.figures import draw_curves, save_png

        parts.append(_section("Curves", _image(save_png(draw_curves(rows, result, metric), folder / "curves.png"))))
        if isinstance(judge, ClassificationJudge):
            parts += _of_classes(judge.predictions(), data)
    except ImportError:
        problems.append("matplotlib is not installed: no curves (pip install 'specgraph[train]')")
    details = {key: value for key, value in judge.details().items() if key.startswith("per_")}
    parts += [_section(key.replace("_", " ").capitalize(), _figures(value)) for key, value in details.items()]
    parts.append(_section("Epochs", _table(rows, result, metric)))
    parts.append(_section("Recipe", f"<pre>{for_html(dump_yaml(plain_recipe(recipe)))}</pre>"))
    diagram = _diagram(graph, problems)
    if diagram:
        parts.append(_section("Network", f'<div class="diagram">{diagram}</div>'))
    title = for_html(graph.name)
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<body>{''.join(parts)}</body></html>\n"
    )
    write_read_back(folder / "report.html", page, html_problem)
    return problems


def _of_classes(predictions: Predictions, data: RunData) -> list[str]:
    """Confusion and worst mistakes of a classifier."""
    from specgraph.training.figures import draw_confusion, draw_images, to_png

    names = data.dataset.class_names
    matrix = to_png(draw_confusion(predictions.predicted, predictions.labels, names), dpi=100)
    parts = [_section("Confusion on the test set", _image(matrix) + _confusions(predictions, names))]
    worst = worst_mistakes(predictions)
    if len(worst):
        images = [data.test.source.read(int(data.test.indices[position])) for position in worst.tolist()]
        captions = [_caption(predictions, position, names) for position in worst.tolist()]
        parts.append(_section("The most confident mistakes", _image(to_png(draw_images(images, captions)))))
    return parts


def _figures(rows: dict[str, dict[str, float]]) -> str:
    """Figures for each class, label or number as a table."""
    columns = list(next(iter(rows.values()), {}))
    head = "".join(f"<th>{for_html(column)}</th>" for column in ("", *columns))
    body = "".join(
        f"<tr><td>{for_html(name)}</td>{''.join(f'<td>{row[column]:.4g}</td>' for column in columns)}</tr>"
        for name, row in rows.items()
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def worst_mistakes(predictions: Predictions, count: int = NUM_WORST) -> Tensor:
    """Positions of the wrong predictions with the highest confidence, worst first."""
    wrong = torch.nonzero(predictions.predicted != predictions.labels).flatten()
    order = torch.argsort(predictions.confidence[wrong], descending=True, stable=True)
    return wrong[order[:count]]


def _header(graph: Graph, result: dict[str, Any], data: RunData, metric: Metric) -> str:
    name, title = metric.name, metric.title
    tiles = [
        (metric.show(result[f"test_{name}"]), f"test {title}"),
        (metric.show(result[f"validation_{name}"]), f"{result['selected_on']} {title}, epoch {result['best_epoch']}"),
        (f"{result['test_loss']:.4f}", "test loss"),
        (f"{graph.num_parameters:,}", "parameters"),
        (f"{result['epochs']}", "epochs"),
        (_duration(result["seconds"]), "of training"),
    ]
    shown = "".join(f'<div class="tile"><b>{value}</b><span>{label}</span></div>' for value, label in tiles)
    images = f"{len(data.train):,} training, {len(data.validation):,} validation, {len(data.test):,} test images"
    name = for_html(data.dataset.name)
    about = for_html(graph.description)
    title = f'<h1>{for_html(graph.name)}</h1><p class="sub">{about}</p>'
    return f'{title}<p>{name}: {images}</p><div class="tiles">{shown}</div>'


def _section(title: str, body: str) -> str:
    return f"<h2>{title}</h2>{body}"


def _image(content: bytes) -> str:
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(content).decode()}">'


def _confusions(predictions: Predictions, names: tuple[str, ...]) -> str:
    wrong = predictions.predicted != predictions.labels
    pairs = torch.stack((predictions.labels[wrong], predictions.predicted[wrong]), 1)
    if not len(pairs):
        return "<p>No mistake at all.</p>"
    kinds, counts = torch.unique(pairs, dim=0, return_counts=True)
    order = torch.argsort(counts, descending=True, stable=True)[:NUM_CONFUSIONS].tolist()
    rows = "".join(
        f"<tr><td>{for_html(_name(names, int(kinds[index, 0])))}</td>"
        f"<td>{for_html(_name(names, int(kinds[index, 1])))}</td><td>{int(counts[index])}</td></tr>"
        for index in order
    )
    return f"<p>Most frequent:</p><table><tr><th>true class</th><th>taken for</th><th>times</th></tr>{rows}</table>"


def _caption(predictions: Predictions, position: int, names: tuple[str, ...]) -> str:
    given, true = int(predictions.predicted[position]), int(predictions.labels[position])
    return f"{_name(names, true)} as {_name(names, given)}\n{float(predictions.confidence[position]):.0%}"


def _name(names: tuple[str, ...], label: int) -> str:
    return names[label] if label < len(names) else f"#{label}"


def _table(rows: list[dict[str, float]], result: dict[str, Any], metric: Metric) -> str:
    head = "".join(
        f"<th>{title}</th>"
        for title in (
            "epoch",
            "train loss",
            f"train {metric.title}",
            "validation loss",
            f"validation {metric.title}",
            "lr",
            "images/s",
        )
    )
    body = []
    for row in rows:
        best = ' class="best"' if int(row["epoch"]) == result["best_epoch"] else ""
        cells = (
            f"{int(row['epoch'])}",
            f"{row['train_loss']:.4f}",
            metric.show(row[f"train_{metric.name}"]),
            f"{row['val_loss']:.4f}",
            metric.show(row[f"val_{metric.name}"]),
            f"{row['lr']:.4g}",
            f"{row['images_per_second']:,.0f}",
        )
        body.append(f"<tr{best}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(body)}</table></div>'


def _diagram(graph: Graph, problems: list[str]) -> str:
    """The network as SVG, without its XML header; empty where Graphviz is missing or takes too long."""
    try:
        from specgraph.backends.graphviz import render_svg

        svg = render_svg(graph, timeout_s=DRAWING_S)
    except MissingPackageError:
        return ""
    except CommandError as error:
        problems.append(f"the report has no diagram: {error.message}")
        return ""
    except Exception:  # a picture is never worth a lost run
        return ""
    return svg[svg.find("<svg") :] if "<svg" in svg else ""


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
