"""Exhibits of a judged set as the page shows them, as plain data: confusions, images, scatters, lines."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from specgraph.datasets.packed import unpacked
from specgraph.datasets.samples import Samples
from specgraph.tasks.exhibits import Confusion, Curves, Exhibit, Picture, Pictures, Scatter
from specgraph.tasks.mask import BACKGROUND, lay_over, palette
from specgraph.tasks.task import name_at

if TYPE_CHECKING:
    from specgraph.training.run_images import RunData

NUM_CONFUSIONS = 10
NUM_COLOURS = 40
MOST_POINTS = 2000
"""Points of a scatter or a line that are shown; of more every so many."""
MAX_SCATTERS = 9
DIGITS = 5
LARGEST_SIDE = 256
SMALLEST_SIDE = 96
"""Pixels of the longer side of an image in the page; smaller images are enlarged by whole factors."""


def show(exhibit: Exhibit, data: RunData, samples: Samples) -> dict[str, Any] | None:
    """The data of an exhibit of `samples`, with its `kind` and `title`; None if there is nothing to see."""
    match exhibit:
        case Confusion():
            return {"kind": "confusion", "title": exhibit.title, **_confusion(exhibit)}
        case Pictures():
            shown = _pictures(exhibit, data, samples)
            return {"kind": "pictures", "title": exhibit.title, **shown} if exhibit.pictures else None
        case Scatter():
            return {"kind": "scatter", "title": exhibit.title, **_scatter(exhibit)}
        case Curves():
            lines = [{"name": name, "points": _points(x, y)} for name, x, y in exhibit.lines]
            shown = {"x": exhibit.x, "y": exhibit.y, "lines": lines}
            return {"kind": "lines", "title": exhibit.title, **shown} if lines else None


def _confusion(exhibit: Confusion) -> dict[str, Any]:
    """Every pair of classes that occurs, as [true, given, how often], and the mistakes that occur most."""
    counts = exhibit.counts
    columns = counts.shape[1] if int(counts[:, len(exhibit.names) :].sum()) else len(exhibit.names)
    wrong = counts.clone()
    wrong.fill_diagonal_(0)
    order = torch.argsort(wrong.flatten(), descending=True, stable=True)[:NUM_CONFUSIONS].tolist()
    pairs = [divmod(place, counts.shape[1]) for place in order]
    return {
        "what": exhibit.what,
        "names": list(exhibit.names),
        "columns": [name_at(exhibit.names, place) for place in range(columns)],
        "cells": [[true, given, int(counts[true, given])] for true, given in torch.nonzero(counts).tolist()],
        "worst": [[true, given] for true, given in pairs if wrong[true, given]],
    }


def _scatter(exhibit: Scatter) -> dict[str, Any]:
    """Points (true, predicted) of each number."""
    columns = range(min(len(exhibit.names), MAX_SCATTERS))
    panels = [
        {"name": exhibit.names[place], "points": _points(exhibit.true[:, place], exhibit.given[:, place])}
        for place in columns
    ]
    return {"x": "true", "y": "predicted", "panels": panels, "num_points": len(exhibit.true)}


def _points(x: Tensor, y: Tensor) -> list[list[float]]:
    """Points as pairs; of very many every so many, the last one among them."""
    step = -(-len(x) // MOST_POINTS)
    chosen = sorted({*range(0, len(x), step), len(x) - 1}) if len(x) else []
    return [[_short(a), _short(b)] for a, b in zip(x[chosen].tolist(), y[chosen].tolist(), strict=True)]


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _pictures(exhibit: Pictures, data: RunData, samples: Samples) -> dict[str, Any]:
    names = data.dataset.class_names
    shown = [
        {"caption": picture.caption, "position": picture.position, "images": _beside(picture, data, samples)}
        for picture in exhibit.pictures
    ]
    has_masks = any(picture.masks for picture in exhibit.pictures)
    return {"parts": _legend(exhibit, data), "colours": _colours(names) if has_masks else [], "pictures": shown}


def _colours(names: Sequence[str]) -> list[dict[str, str]]:
    """The colour of each class in masks; those of very many classes are the first."""
    colours = zip(names[:NUM_COLOURS], palette(len(names)).tolist(), strict=False)
    shown = [
        {"name": name, "colour": "#{:02x}{:02x}{:02x}".format(*colour)}
        for name, colour in colours
        if name.lower() not in BACKGROUND
    ]
    more = len(names) - NUM_COLOURS
    return [*shown, {"name": f"and {more} more", "colour": ""}] if more > 0 else shown


def _beside(picture: Picture, data: RunData, samples: Samples) -> list[str]:
    """What stands side by side: the image, with masks laid over, and what belongs to it; addresses of PNGs."""
    stored = samples.source.read(int(samples.indices[picture.position]))
    first, *others = unpacked(stored, data.dataset.parts)
    image = visible(first[:-1] if data.target == "mask" else first)
    laid = []
    for mask in picture.masks:
        size = (mask.shape[0], mask.shape[1])
        base = F.interpolate(image[None].float(), size, mode="bilinear", antialias=True)[0].round().byte()
        pixels = lay_over(base.permute(1, 2, 0).numpy(), mask.numpy(), data.dataset.class_names)
        laid.append(torch.from_numpy(pixels).permute(2, 0, 1))
    shown = [image, *map(visible, others), *laid, *map(visible, picture.images)]
    return [image_address(each) for each in shown]


def _legend(exhibit: Pictures, data: RunData) -> list[str]:
    """What stands side by side, in words; of several pictures each by its input."""
    if not exhibit.parts or not data.dataset.parts:
        return list(exhibit.parts)
    return [*(part.name or "wanted" for part in data.dataset.parts), *exhibit.parts[1:]]


def visible(image: Tensor) -> Tensor:
    """uint8 (3, H, W) of an image (C, H, W); floats are spread over 0..255."""
    if image.dtype != torch.uint8:
        low, high = image.min(), image.max()
        image = ((image - low) / (high - low).clamp(min=1e-12) * 255).to(torch.uint8)
    return image if image.shape[0] == 3 else image[:1].expand(3, -1, -1)


def image_address(image: Tensor) -> str:
    """A picture, uint8 (3, H, W), as a PNG of a size that can be looked at, in a data address."""
    from PIL import Image

    picture = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
    side = max(picture.size)
    if side > LARGEST_SIDE:
        picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    elif side < SMALLEST_SIDE:
        factor = -(-SMALLEST_SIDE // side)
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    content = io.BytesIO()
    picture.save(content, format="PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
