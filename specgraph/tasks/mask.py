"""Masks as predictions: from scores of an input to a class for each pixel of the image."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from specgraph.tasks.prediction import Frame, Output, Prediction, Reader, Shot

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

UNSEEN = 255
"""In a mask: pixels that the network was not shown. Masks of more than 255 classes have 65535 for it."""
BACKGROUND = ("background", "_background_", "__background__", "void")
"""Names of classes that an overlay leaves as the image is."""
OVERLAY_SHARE = 0.6


class Share(NamedTuple):
    """A class with the share of the image's pixels that it has."""

    name: str
    share: float


class MaskPrediction(Prediction):
    """A class for each pixel: `mask` is (height, width) of the image, uint8 class numbers, 255 for pixels that the
    network was not shown; `classes` are those in it, largest first."""

    has_pictures = True
    hidden = ("mask", "names")
    own = ("mask", "classes", "names")
    mask: Any = None
    classes: tuple[Share, ...] = ()
    names: tuple[str, ...] | None = None

    def answer(self) -> dict[str, Any]:
        return {"classes": [share._asdict() for share in self.classes]}

    def plain(self, files: Mapping[str, str] | None = None) -> dict[str, Any]:
        found = super().plain()
        classes = found.pop("classes", None)
        return {**found, **(files or {}), **({} if classes is None else {"classes": classes})}

    def words(self, top_k: int = 5) -> list[str]:
        return [f"{name} {share:.1%}" for name, share in self.classes[:top_k]]

    def pictures(self, image: Image) -> dict[str, Image]:
        """The mask as a PNG of class numbers with colours, and the image with the colours over it."""
        return {"mask": mask_image(self.mask), "overlay": self.overlay(image)}

    def overlay(self, image: Image) -> Image:
        """An image of the mask's size with the colours of its classes over it; a class named `background` has none."""
        import numpy as np
        from PIL import Image as pil

        return pil.fromarray(lay_over(np.asarray(image.convert("RGB")), self.mask, self.names or ()))


class MaskReader(Reader):
    """Reads scores for each class and pixel, or the number of the class of each pixel."""

    kind = MaskPrediction

    def __init__(self, output: Output, names: Sequence[str] | None) -> None:
        super().__init__(output, names)
        self.chosen = output.scale == "class_numbers"
        if len(output.shape) != (3 if self.chosen else 4) or not (self.chosen or output.dtype.startswith("float")):
            raise output.refusal("no scores for each class and pixel")

    def read(self, values: NDArray[Any], shots: Sequence[Shot], top_k: int) -> Iterator[Prediction]:
        import numpy as np

        for shot, value in zip(shots, values, strict=False):
            planes = value[None] if self.chosen else value
            mask = paint(planes, shot.frame, chosen=self.chosen)
            numbers, counts = np.unique(mask[mask != unseen(mask)], return_counts=True)
            order = np.argsort(-counts, kind="stable")
            shares = tuple(Share(self.name(int(numbers[i])), float(counts[i] / mask.size)) for i in order)
            yield MaskPrediction(shot.source, image=shot.image, mask=mask, classes=shares, names=self.names)


def lay_over(pixels: NDArray[Any], mask: NDArray[Any], names: Sequence[str]) -> NDArray[Any]:
    """An image, uint8 (H, W, 3), with the colours of a mask's classes over it; a class named `background` has none."""
    import numpy as np

    coloured = mask != unseen(mask)
    for place, name in enumerate(names):
        if name.lower() in BACKGROUND:
            coloured &= mask != place
    share = OVERLAY_SHARE * coloured[..., None]
    colours = palette(int(mask.max(initial=0)) + 1)[mask]
    laid: NDArray[Any] = np.rint(pixels.astype(np.float32) * (1 - share) + colours * share).astype(np.uint8)
    return laid


def covered(have: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of an input of size `wanted` that scores of size `have` are for: top, left, bottom, right.

    Scores at a whole stride are for all of it, those that unpadded convolutions left smaller for its centre.
    """
    if any(h > w for h, w in zip(have, wanted, strict=True)) or all(
        w % h == 0 for h, w in zip(have, wanted, strict=True)
    ):
        return 0, 0, *wanted
    top, left = ((w - h) // 2 for h, w in zip(have, wanted, strict=True))
    return top, left, top + have[0], left + have[1]


def paint(planes: NDArray[Any], frame: Frame, *, chosen: bool = False) -> NDArray[Any]:
    """The class of each pixel of an image, (height, width), from scores (K, h, w) for what it showed the network,
    enlarged linearly, or, `chosen`, from class numbers (1, h, w)."""
    import numpy as np
    from PIL import Image as pil

    num = int(planes.max(initial=0)) + 1 if chosen else len(planes)
    kind: Any = np.uint8 if num <= UNSEEN else np.uint16
    mask = np.full(frame.size, np.iinfo(kind).max, kind)
    have = (planes.shape[1], planes.shape[2])
    top, left, bottom, right = covered(have, frame.input_size)
    x0, y0, x1, y1 = frame.box
    across, down = (x1 - x0) / frame.input_size[1], (y1 - y0) / frame.input_size[0]
    columns = _pixels(x0 + left * across, x0 + right * across, frame.size[1], have[1])
    rows = _pixels(y0 + top * down, y0 + bottom * down, frame.size[0], have[0])
    size = (columns.stop - columns.start, rows.stop - rows.start)
    if min(size) < 1:
        return mask
    box = (columns.low, rows.low, columns.high, rows.high)
    best: NDArray[Any] | None = None
    found = np.zeros((size[1], size[0]), kind)
    method = pil.Resampling.NEAREST if chosen else pil.Resampling.BILINEAR
    for number, plane in enumerate(planes):
        values = np.asarray(pil.fromarray(plane.astype(np.float32)).resize(size, method, box=box))
        if chosen:
            found = values.astype(kind)
        elif best is None:
            best = values
        else:
            higher = values > best
            found[higher] = number
            best = np.maximum(best, values)
    mask[rows.start : rows.stop, columns.start : columns.stop] = found
    return mask


class _Pixels(NamedTuple):
    """Pixels of an image along one axis, and the part of the scores that they show."""

    start: int
    stop: int
    low: float
    high: float


def _pixels(first: float, last: float, size: int, num_scores: int) -> _Pixels:
    """The pixels, of `size`, with their centre between two places of which `num_scores` scores tell."""
    start, stop = max(math.ceil(first - 0.5), 0), min(math.floor(last - 0.5) + 1, size)
    scale = num_scores / (last - first)
    return _Pixels(start, stop, max((start - first) * scale, 0.0), min((stop - first) * scale, float(num_scores)))


def unseen(mask: NDArray[Any]) -> int:
    """The number of pixels that the network was not shown."""
    return UNSEEN if mask.dtype.itemsize == 1 else 65535


def mask_image(mask: NDArray[Any]) -> Image:
    """A mask as a picture that holds class numbers: with a palette, or in 16 bits for more than 255 classes."""
    import numpy as np
    from PIL import Image as pil

    if mask.dtype != np.uint8:
        return pil.fromarray(mask)
    picture = pil.fromarray(mask)
    picture.putpalette(palette(256).astype(np.uint8).tobytes())
    return picture


def palette(num: int) -> NDArray[Any]:
    """Colours of class numbers, (num, 3) in 0..255, as the VOC data sets have them."""
    import numpy as np

    numbers = np.arange(num)
    colours = np.zeros((num, 3), np.int64)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((numbers >> (3 * bit + channel)) & 1) << (7 - bit)
    return colours
