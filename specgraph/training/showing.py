"""Exhibits of a judged set as parts of a report: confusions, images, scatter, curves."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from specgraph.datasets.packed import unpacked
from specgraph.escaping import for_html
from specgraph.tasks.exhibits import Confusion, Curves, Exhibit, Picture, Pictures, Scatter
from specgraph.tasks.mask import BACKGROUND, lay_over, palette
from specgraph.tasks.task import name_at

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from specgraph.training.run_images import RunData

NUM_CONFUSIONS = 10
NUM_COLOURS = 40
DOTS = 100
"""Pixels of an inch of a figure."""
SMALLEST_SCALE = 0.7
"""At which letters of figures can be read."""
LARGEST_SIDE = 256
SMALLEST_SIDE = 96
"""Pixels of the longer side of an image in the page; smaller images are enlarged by whole factors."""
EXHIBIT_STYLE = """
.drawn { display: flex; flex-wrap: wrap; gap: .4rem; overflow-x: auto; } .drawn img { max-width: 100%; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; margin-bottom: .8rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: .15rem; margin-right: .35rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: .8rem; }
.pictures.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
.pictures figure { margin: 0; } .pictures div { display: flex; gap: .2rem; }
.pictures img { flex: 1 1 0; min-width: 0; width: 100%; image-rendering: pixelated; background: none; }
.pictures figcaption { color: var(--muted); font-size: .8rem; overflow-wrap: anywhere; }
"""


def show(exhibit: Exhibit, data: RunData) -> tuple[str, str]:
    """The title and the HTML of an exhibit; empty HTML where there is nothing to see. Raises ImportError without
    matplotlib."""
    match exhibit:
        case Confusion():
            return exhibit.title, _confusion(exhibit)
        case Pictures():
            return exhibit.title, _pictures(exhibit, data)
        case Scatter():
            from specgraph.training.figures import draw_scatters

            drawn = draw_scatters(exhibit.names, exhibit.true, exhibit.given)
            return exhibit.title, figures_html(drawn, exhibit.title)
        case Curves():
            from specgraph.training.figures import draw_lines

            lines = draw_lines([(name, x, y) for name, x, y in exhibit.lines], exhibit.x, exhibit.y)
            return exhibit.title, figures_html([lines], exhibit.title) if exhibit.lines else ""


def png_tag(content: bytes, more: str = 'alt=""') -> str:
    """A PNG as an element of the page itself."""
    return f'<img {more} src="data:image/png;base64,{base64.b64encode(content).decode()}">'


def figures_html(figures: Sequence[Figure], title: str) -> str:
    """Figures side by side, as many as the window is wide. One whose letters would become too small in a narrow window
    is scrolled."""
    from specgraph.training.figures import to_png

    tags = [
        png_tag(to_png(figure, DOTS), f'alt="{for_html(title)}" style="min-width: {_least_width(figure)}px"')
        for figure in figures
    ]
    return f'<div class="drawn">{"".join(tags)}</div>'


def _least_width(figure: Figure) -> int:
    return round(figure.get_figwidth() * DOTS * SMALLEST_SCALE)


def _confusion(exhibit: Confusion) -> str:
    from specgraph.training.figures import draw_confusion

    counts, names = exhibit.counts, exhibit.names
    drawn = figures_html([draw_confusion(counts, names)], exhibit.title)
    wrong = counts.clone()
    wrong.fill_diagonal_(0)
    order = torch.argsort(wrong.flatten(), descending=True, stable=True)[:NUM_CONFUSIONS].tolist()
    pairs = [divmod(place, counts.shape[1]) for place in order]
    rows = "".join(
        f"<tr><td>{for_html(name_at(names, true))}</td><td>{for_html(name_at(names, given))}</td>"
        f"<td>{int(wrong[true, given]):,}</td></tr>"
        for true, given in pairs
        if wrong[true, given]
    )
    if not rows:
        return f"{drawn}<p>No mistake at all.</p>"
    head = f"<tr><th>true class</th><th>taken for</th><th>{exhibit.what}</th></tr>"
    return f"{drawn}<p>Most frequent:</p><table>{head}{rows}</table>"


def _pictures(exhibit: Pictures, data: RunData) -> str:
    if not exhibit.pictures:
        return ""
    wide = " wide" if exhibit.parts else ""
    legend = f"<p>{for_html(', '.join(_legend(exhibit, data)))}</p>" if exhibit.parts else ""
    names = data.dataset.class_names
    figures = "".join(
        f"<figure><div>{''.join(map(_image, _beside(picture, data, names)))}</div>"
        f"<figcaption>{for_html(picture.caption)}</figcaption></figure>"
        for picture in exhibit.pictures
    )
    colours = _colours(names) if any(picture.masks for picture in exhibit.pictures) else ""
    return f'{legend}{colours}<div class="pictures{wide}">{figures}</div>'


def _colours(names: tuple[str, ...]) -> str:
    """The colour of each class in masks."""
    shown = [
        f'<span><i style="background: rgb({", ".join(map(str, colour))})"></i>{for_html(name)}</span>'
        for name, colour in zip(names[:NUM_COLOURS], palette(len(names)).tolist(), strict=False)
        if name.lower() not in BACKGROUND
    ]
    more = f"<span>and {len(names) - NUM_COLOURS} more</span>" if len(names) > NUM_COLOURS else ""
    return f'<div class="legend">{"".join(shown)}{more}</div>'


def _beside(picture: Picture, data: RunData, names: tuple[str, ...]) -> list[Tensor]:
    """What stands side by side, uint8 (3, H, W) each: the image, with masks laid over, and what belongs to it."""
    stored = data.test.source.read(int(data.test.indices[picture.position]))
    first, *others = unpacked(stored, data.dataset.parts)
    image = visible(first[:-1] if data.target == "mask" else first)
    laid = []
    for mask in picture.masks:
        size = (mask.shape[0], mask.shape[1])
        base = F.interpolate(image[None].float(), size, mode="bilinear", antialias=True)[0].round().byte()
        pixels = lay_over(base.permute(1, 2, 0).numpy(), mask.numpy(), names)
        laid.append(torch.from_numpy(pixels).permute(2, 0, 1))
    return [image, *map(visible, others), *laid, *map(visible, picture.images)]


def _legend(exhibit: Pictures, data: RunData) -> list[str]:
    """What stands side by side, in words; of several pictures each by its input."""
    if not data.dataset.parts:
        return list(exhibit.parts)
    return [*(part.name or "wanted" for part in data.dataset.parts), *exhibit.parts[1:]]


def visible(image: Tensor) -> Tensor:
    """uint8 (3, H, W) of an image (C, H, W); floats are spread over 0..255."""
    if image.dtype != torch.uint8:
        low, high = image.min(), image.max()
        image = ((image - low) / (high - low).clamp(min=1e-12) * 255).to(torch.uint8)
    return image if image.shape[0] == 3 else image[:1].expand(3, -1, -1)


def _image(image: Tensor) -> str:
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
    return png_tag(content.getvalue())
