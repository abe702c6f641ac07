"""Pictures of runs: curves, images side by side. Needs matplotlib."""

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
MAX_RUNS_NAMED = 15
ACCURACY = Metric("accuracy")


def draw_curves(rows: list[Row], result: dict[str, Any], metric: Metric = ACCURACY) -> Figure:
    """Loss, a metric and learning rate over the epochs, the best epoch marked."""
    figure = _figure(10.5, 3.4)
    _fill_curves(figure.subplots(1, 3), rows, result, metric)
    return figure


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
