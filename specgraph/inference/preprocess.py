"""From an image to the network's input, as in training, without PyTorch.

The centre of an image is resized to the input's height and width (linear, antialiased when it
shrinks, computed in floating point), brought to the input's channels, scaled to [0, 1] and normalised
per channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specgraph.backends.onnx.metadata import Preprocessing
from specgraph.errors import CommandError

if TYPE_CHECKING:
    from PIL.Image import Image


def to_pixels(image: Image, preprocessing: Preprocessing, *, whole: bool = False) -> NDArray[np.float32]:
    """A PIL image as (C, H, W) pixels in [0, 255], cut (unless `whole`), resized, with the channels
    wanted."""
    from PIL import Image as pil

    from specgraph.datasets.images import to_mode

    try:
        image = to_mode(image, preprocessing.channels)
    except ValueError as error:
        raise CommandError(f"an image of mode {image.mode} cannot be used: {error}") from None
    height, width = preprocessing.size
    box = None if whole else centre(image.size, preprocessing)
    planes = []
    for plane in image.split():
        resized = plane.convert("F")
        if resized.size != (width, height) or box is not None:
            resized = resized.resize((width, height), pil.Resampling.BILINEAR, box=box)
        planes.append(np.asarray(resized, np.float32))
    return np.stack(planes)


def centre(size: tuple[int, int], preprocessing: Preprocessing) -> tuple[float, float, float, float] | None:
    """The part of an image (width, height) that is used, as (left, upper, right, lower); None where
    it is the whole image."""
    width, height = size
    wanted_height, wanted_width = preprocessing.size
    scale = min(width / wanted_width, height / wanted_height) * preprocessing.crop
    half_width, half_height = wanted_width * scale / 2, wanted_height * scale / 2
    box = (
        max(width / 2 - half_width, 0.0),
        max(height / 2 - half_height, 0.0),
        min(width / 2 + half_width, width),
        min(height / 2 + half_height, height),
    )
    return None if box == (0.0, 0.0, width, height) else box


def normalise(pixels: NDArray[np.float32], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Pixels in [0, 255], channels third from last, as the network takes them."""
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
