"""From an image to the network's input, as in training, without PyTorch.

The centre of an image is resized to the input's height and width (linear, antialiased when it
shrinks, computed in floating point), brought to the input's channels, scaled to [0, 1] and normalised
per channel.
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
    """A PIL image as (C, H, W) pixels in [0, 255], cut (unless `whole`), resized, with the channels
    wanted."""
    from PIL import Image as pil

    from specgraph.datasets.images import ImageRegion, to_mode

    try:
        image = to_mode(image, preprocessing.channels)
    except ValueError as error:
        raise CommandError(f"an image of mode {image.mode} cannot be used: {error}") from None
    height, width = preprocessing.size
    box = ImageRegion(0, 0, *image.size) if whole else shown_box(image, preprocessing)
    planes = [plane.convert("F").resize((width, height), pil.Resampling.BILINEAR, box=box) for plane in image.split()]
    return np.stack([np.asarray(plane, np.float32) for plane in planes])


def shown_box(image: Image, preprocessing: Preprocessing) -> ImageRegion:
    """The part of an image that the network's input shows."""
    from specgraph.datasets.images import centre_box

    return centre_box(image.size, preprocessing.size, preprocessing.crop)


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
