"""`report.html`: one file with curves, scores, what the task shows of the test set, recipe and diagram."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from specgraph.errors import CommandError, MissingPackageError
from specgraph.escaping import for_html
from specgraph.graph.model import Graph
from specgraph.read_back import html_problem, write_read_back
from specgraph.recipes.recipe import Recipe, plain_recipe
from specgraph.runs.run import dump_yaml
from specgraph.tasks.task import Judge, Metric
from specgraph.training.page import html_page, html_section
from specgraph.training.run_images import RunData
from specgraph.training.showing import EXHIBIT_STYLE, figures_html, show

DRAWING_S = 20.0
"""How long a report waits for a drawing."""


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
        from specgraph.training.figures import draw_curves, draw_curves_apart, save_png

        save_png(draw_curves(rows, result, metric), folder / "curves.png")
        parts.append(html_section("Curves", figures_html(draw_curves_apart(rows, result, metric), "Curves")))
        shown = [show(exhibit, data) for exhibit in judge.exhibits()]
        parts += [html_section(title, body) for title, body in shown if body]
    except ImportError:
        problems.append("matplotlib is not installed: no curves (pip install 'specgraph[train]')")
    details = {key: value for key, value in judge.details().items() if key.startswith("per_")}
    parts += [html_section(key.replace("_", " ").capitalize(), _figures(value)) for key, value in details.items()]
    parts.append(html_section("Epochs", _table(rows, result, metric)))
    parts.append(html_section("Recipe", f"<pre>{_lines(dump_yaml(plain_recipe(recipe)))}</pre>"))
    diagram = _diagram(graph, problems)
    if diagram:
        parts.append(html_section("Network", f'<div class="diagram">{diagram}</div>'))
    write_read_back(folder / "report.html", html_page(graph.name, parts, EXHIBIT_STYLE), html_problem)
    return problems


def _figures(rows: dict[str, dict[str, float | None]]) -> str:
    """Figures for each class, label or number as a table."""
    columns = list(next(iter(rows.values()), {}))
    head = "".join(f"<th>{for_html(column)}</th>" for column in ("", *columns))
    body = "".join(
        f"<tr><td>{for_html(name)}</td>{''.join(f'<td>{_cell(row[column])}</td>' for column in columns)}</tr>"
        for name, row in rows.items()
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _cell(value: float | None) -> str:
    """A figure; `–` for one that the set does not tell."""
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _header(graph: Graph, result: dict[str, Any], data: RunData, metric: Metric) -> str:
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
    shown = "".join(f'<div class="tile"><b>{value}</b><span>{label}</span></div>' for value, label in tiles)
    images = f"{len(data.train):,} training, {len(data.validation):,} validation, {len(data.test):,} test images"
    name = for_html(data.dataset.name)
    about = for_html(graph.description)
    title = f'<h1>{for_html(graph.name)}</h1><p class="sub">{about}</p>'
    remarks = "".join(f"<p>{_marked(remark[:1].upper() + remark[1:])}.</p>" for remark in result.get("remarks", ()))
    warned = f'<div class="remarks">{remarks}</div>' if remarks else ""
    return f'{title}<p>{name}: {images}</p>{warned}<div class="tiles">{shown}</div>{_others(result, data)}'


def _others(result: dict[str, Any], data: RunData) -> str:
    """The metrics of the test set that do not stand at the head."""
    rest = [metric for metric in data.task.metrics if metric not in data.task.headlines]
    told = [f"{for_html(metric.title)} {metric.show(result[f'test_{metric.name}'])}" for metric in rest]
    return f"<p>Test set: {', '.join(told)}</p>" if told else ""


def _marked(text: str) -> str:
    """A sentence whose names in backticks are set as code."""
    parts = for_html(text).split("`")
    if len(parts) % 2 == 0:
        return for_html(text)
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def _lines(text: str) -> str:
    """Text of several lines."""
    return "\n".join(map(for_html, text.splitlines()))


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
