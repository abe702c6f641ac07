"""From an image to the network's input, as in training, without PyTorch.

An image is brought to the input's channels, then to its height and width as the run's `data.resize` says (by the
same code as in training), scaled to [0, 1] and normalised per channel. Of files without `resize`, which version 0.1
wrote, the centre is resized in floating point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specgraph.datasets.preprocessing import Preprocessing
from specgraph.errors import CommandError

if TYPE_CHECKING:
    from PIL.Image import Image

    from specgraph.datasets.images import ImageRegion


def to_pixels(image: Image, preprocessing: Preprocessing, *, whole: bool = False) -> NDArray[np.float32]:
    """A PIL image as (C, H, W) pixels in [0, 255], with the channels wanted, brought to the size. `whole`: of files
    without `resize`, nothing is cut off."""
    from PIL import Image as pil

    from specgraph.datasets.images import ImageRegion
    from specgraph.datasets.resample import fit, fit_floats

    image = in_channels(image, preprocessing.channels)
    height, width = preprocessing.size
    if preprocessing.resize is not None and not preprocessing.whole_numbers:
        return fit_floats(image, preprocessing.size, preprocessing.resize)
    if preprocessing.resize is not None:
        fitted = np.asarray(fit(image, preprocessing.size, preprocessing.resize), np.float32)
        return fitted[None] if fitted.ndim == 2 else np.ascontiguousarray(fitted.transpose(2, 0, 1))
    box = ImageRegion(0, 0, *image.size) if whole else shown_box(image, preprocessing)
    planes = [plane.convert("F").resize((width, height), pil.Resampling.BILINEAR, box=box) for plane in image.split()]
    return np.stack([np.asarray(plane, np.float32) for plane in planes])


def shown_box(image: Image, preprocessing: Preprocessing) -> ImageRegion:
    """The part of an image that the network's input shows; of a padded one it is larger than the image."""
    from specgraph.datasets.images import ImageRegion, centre_box
    from specgraph.datasets.placement import place

    if preprocessing.resize is None:
        return centre_box(image.size, preprocessing.size, preprocessing.crop)
    placed = place(preprocessing.resize, (image.height, image.width), preprocessing.size)
    down, across = placed.height / placed.size[0], placed.width / placed.size[1]
    upper, left = placed.top - placed.offset[0] * down, placed.left - placed.offset[1] * across
    height, width = preprocessing.size
    return ImageRegion(left, upper, left + width * across, upper + height * down)


def in_channels(image: Image, channels: int) -> Image:
    """A PIL image of any mode in grey or RGB. Raises `CommandError`."""
    from specgraph.datasets.images import to_mode

    try:
        return to_mode(image, channels)
    except ValueError as error:
        raise CommandError(f"an image of mode {image.mode} cannot be used: {error}") from None


def normalise(pixels: NDArray[np.float32], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Pixels in [0, 255], channels third from last, as the network takes them.

    The numbers are those of training: a factor and a summand in single precision, the result rounded once.
    """
    if preprocessing.resize is not None:
        scale = np.asarray([np.float32(1 / s) for s in preprocessing.std]).reshape(-1, 1, 1) / np.float32(255)
        shift = [np.float32(-m / s) for m, s in zip(preprocessing.mean, preprocessing.std, strict=True)]
        wide = pixels.astype(np.float64) * scale + np.asarray(shift).reshape(-1, 1, 1)
        return wide.astype(np.float32)
    mean = np.asarray(preprocessing.mean, np.float32).reshape(-1, 1, 1)
    std = np.asarray(preprocessing.std, np.float32).reshape(-1, 1, 1)
    found: NDArray[np.float32] = (pixels / np.float32(255) - mean) / std
    return found


def normalise_batch(images: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Raw images (N, height, width, C) as the network takes them, (N, C, H, W); nothing is cut off,
    as in a file with its preprocessing built in."""
    from PIL import Image as pil

    prepared = []
    for image in images:
        flat = image[:, :, 0] if image.shape[2] == 1 else image
        pixels = to_pixels(pil.fromarray(flat), preprocessing, whole=True)
        prepared.append(normalise(pixels, preprocessing))
    return np.stack(prepared)
