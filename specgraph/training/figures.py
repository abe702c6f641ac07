"""Pictures of a run: curves, confusion matrix, worst mistakes. Needs matplotlib."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from specgraph.escaping import for_matplotlib
from specgraph.tasks.task import Metric

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, float]
TRAIN_COLOUR, VALIDATION_COLOUR, RATE_COLOUR = "#4c72b0", "#dd8452", "#8c8c8c"
MAX_NAMED_CLASSES = 30
MAX_COUNTED_CLASSES = 15
MAX_RUNS_NAMED = 15
MAX_SCATTERS = 9
PANEL = (3.3, 3.2)
"""Width and height of one panel in inches: three stand side by side in a report."""
ACCURACY = Metric("accuracy")


def draw_curves(rows: list[Row], result: dict[str, Any], metric: Metric = ACCURACY) -> Figure:
    """Loss, a metric and learning rate over the epochs, the best epoch marked."""
    figure = _figure(10.5, 3.4)
    _fill_curves(figure.subplots(1, 3), rows, result, metric)
    return figure


def draw_curves_apart(rows: list[Row], result: dict[str, Any], metric: Metric = ACCURACY) -> list[Figure]:
    """The panels of `draw_curves`, each a figure."""
    figures = [_figure(*PANEL) for _ in range(3)]
    _fill_curves([figure.subplots() for figure in figures], rows, result, metric)
    return figures


def _fill_curves(panels: Any, rows: list[Row], result: dict[str, Any], metric: Metric) -> None:
    epochs = [int(row["epoch"]) for row in rows]
    for axes, what in zip(panels, ("loss", metric.name), strict=False):
        for part, label, colour in (
            ("train", "training", TRAIN_COLOUR),
            ("val", "validation", VALIDATION_COLOUR),
        ):
            values = [row[f"{part}_{what}"] for row in rows]
            axes.plot(epochs, values, color=colour, label=label, marker="o" if len(rows) < 15 else None, markersize=3)
        if result:
            best = result["best_epoch"]
            axes.axvline(best, color=RATE_COLOUR, linewidth=0.8, linestyle=":", label=f"best: epoch {best}")
            if what == metric.name:
                axes.plot(
                    [best], [result[f"test_{what}"]], "*", color="#55a868", markersize=9, label="test", clip_on=False
                )
        axes.set_title("loss" if what == "loss" else metric.title)
        axes.legend(frameon=False, fontsize=8)
    if min(row["train_loss"] for row in rows) > 0:
        losses = [row[key] for row in rows for key in ("train_loss", "val_loss")]
        if max(losses) / max(min(losses), 1e-12) > 50:
            panels[0].semilogy()
    if metric.form == "share":
        panels[1].yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    panels[2].plot(epochs, [row["lr"] for row in rows], color=RATE_COLOUR)
    panels[2].set_ylim(bottom=0)
    panels[2].set_title("learning rate")
    for axes in panels:
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)


def draw_confusion(counts: Tensor, class_names: tuple[str, ...]) -> Figure:
    """How often each class (row) is taken for which (column), as shares of the row."""
    counts = counts[:, : len(class_names)] if int(counts[:, len(class_names) :].sum()) == 0 else counts
    shares = counts.double() / counts.sum(1, keepdim=True).clamp(min=1)
    side = min(max(3.2, 0.34 * len(class_names) + 1.4), 12)
    figure = _figure(side + 1.3, side)
    axes = figure.subplots()
    picture = axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(picture, ax=axes, fraction=0.046, format=lambda value, _: f"{value:.0%}")
    axes.set_xlabel("predicted")
    axes.set_ylabel("true class")
    if len(class_names) <= MAX_NAMED_CLASSES:
        columns = counts.shape[1]
        class_names = tuple(map(for_matplotlib, class_names))
        names = [*class_names, *(f"#{index}" for index in range(len(class_names), columns))]
        wide = max(map(len, names)) > 2
        axes.set_xticks(range(columns), names, rotation=60 if wide else 0, ha="right" if wide else "center", fontsize=8)
        axes.set_yticks(range(len(class_names)), class_names, fontsize=8)
    if counts.shape[1] <= MAX_COUNTED_CLASSES:
        for true, given in torch.nonzero(counts).tolist():
            colour = "white" if shares[true, given] > 0.5 else "black"
            label = _short(int(counts[true, given]))
            axes.text(given, true, label, ha="center", va="center", fontsize=7, color=colour)
    return figure


def _short(count: int) -> str:
    """A count in at most four letters: 950, 12k, 3.4M."""
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if count >= size:
            return f"{count / size:.0f}{unit}" if count >= 10 * size else f"{count / size:.1f}{unit}"
    return str(count)


def draw_scatters(names: tuple[str, ...], true: Tensor, given: Tensor) -> list[Figure]:
    """Predicted against true numbers, (N, numbers) both, with the line on which they are equal: a figure for each of
    the first nine numbers."""
    figures = [_figure(*PANEL) for _ in names[:MAX_SCATTERS]]
    for place, figure in enumerate(figures):
        axes = figure.subplots()
        x, y = true[:, place].double().numpy(), given[:, place].double().numpy()
        low, high = min(x.min(), y.min()), max(x.max(), y.max())
        axes.plot([low, high], [low, high], color=RATE_COLOUR, linewidth=0.8)
        axes.scatter(x, y, s=8, alpha=0.5, color=TRAIN_COLOUR, linewidths=0)
        axes.set_title(for_matplotlib(names[place]))
        axes.set_xlabel("true")
        axes.set_ylabel("predicted")
        _plain(axes)
    return figures


def draw_lines(lines: list[tuple[str, Tensor, Tensor]], x: str, y: str) -> Figure:
    """Lines between 0 and 1 by name."""
    figure = _figure(4.8, 3.8)
    axes = figure.subplots()
    for place, (name, xs, ys) in enumerate(lines):
        label = for_matplotlib(name) if place < MAX_RUNS_NAMED else None
        axes.plot(xs.numpy(), ys.numpy(), label=label, drawstyle="steps-post")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.legend(frameon=False, fontsize=8)
    _plain(axes)
    return figure


def _plain(axes: Any) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def draw_images(images: list[Tensor], captions: list[str], columns: int = 8) -> Figure:
    """A grid of uint8 (C, H, W) images with a caption each."""
    rows = max(1, -(-len(images) // columns))
    figure = _figure(min(len(images), columns) * 1.35 + 0.2, rows * 1.65 + 0.1)
    panels = figure.subplots(rows, min(len(images), columns) or 1, squeeze=False).flatten()
    for axes in panels:
        axes.axis("off")
    for axes, image, caption in zip(panels, images, captions, strict=False):
        pixels = _displayable(image)
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_title(for_matplotlib(caption), fontsize=7)
    return figure


def _displayable(image: Tensor) -> Any:
    """(H, W) or (H, W, 3), uint8; floats are spread over 0..255."""
    if image.dtype != torch.uint8:
        low, high = image.min(), image.max()
        image = ((image - low) / (high - low).clamp(min=1e-12) * 255).to(torch.uint8)
    if image.shape[0] == 3:
        return image.permute(1, 2, 0).numpy()
    return image[0].numpy()


def to_png(figure: Figure, dpi: int = 110) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that the font has not, of legends larger than the picture
        figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def save_png(figure: Figure, path: Path) -> bytes:
    """Write the figure as PNG; gives its content."""
    from specgraph.atomic_files import write_atomically

    content = to_png(figure)
    write_atomically(path, content)
    return content


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def compare_curves(runs: dict[str, list[Row]], metrics: dict[str, Metric] | None = None) -> Figure:
    """A metric and the loss of the validation set of several runs over their epochs: a panel for each metric that one
    of them has (accuracy for a run without one)."""
    of_run = {name: (metrics or {}).get(name, ACCURACY) for name in runs}
    shown = [*dict.fromkeys(of_run.values())] or [ACCURACY]
    figure = _figure(5.25 * (len(shown) + 1), 4)
    panels = figure.subplots(1, len(shown) + 1)
    for position, (name, rows) in enumerate(runs.items()):
        label = for_matplotlib(name) if position < MAX_RUNS_NAMED else None
        epochs = [row["epoch"] for row in rows]
        own = of_run[name]
        marks = {"marker": "o" if len(rows) < 15 else None, "markersize": 3, "color": f"C{position % 10}"}
        pairs = ((panels[shown.index(own)], f"val_{own.name}"), (panels[-1], "val_loss"))
        for place, (axes, key) in enumerate(pairs):
            axes.plot(epochs, [row[key] for row in rows], label=label if place else None, **marks)
    for axes, metric in zip(panels, [*shown, None], strict=True):
        axes.set_title(f"validation {metric.title}" if metric else "validation loss")
        if metric and metric.form == "share":
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        _plain(axes)
    if runs:
        more = len(runs) - MAX_RUNS_NAMED
        heading = f"{MAX_RUNS_NAMED} of {len(runs)} runs" if more > 0 else None
        panels[-1].legend(frameon=False, fontsize=7, title=heading, title_fontsize=7).set_in_layout(False)
    return figure
