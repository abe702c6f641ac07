"""Decoding image files of any mode to uint8 tensors, with the file named where it cannot be."""

from __future__ import annotations

import stat
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from specgraph.datasets.resample import fit
from specgraph.datasets.stored import File
from specgraph.recipes.resizing import DEFAULT, Resize

if TYPE_CHECKING:
    from torch import Tensor

MAX_PIXELS = 100_000_000
CENTRE_SHARE = 0.875  # of the short side, kept by the centre crop of photographs (ImageNet's custom)
SMALLEST_PHOTOGRAPH = 64


class BrokenImageError(Exception):
    """A file is no image, is cut short, or is too large to unpack. The message names it."""


class ImageRegion(NamedTuple):
    """A region of an image in pixels: left and upper inclusive, right and lower exclusive."""

    left: float
    upper: float
    right: float
    lower: float


def open_image(path: File, draft_size: tuple[int, int] | None = None) -> Image.Image:
    """The decoded image, turned upright. Large JPEGs are decoded at the smallest scale that is still
    at least `draft_size` (height, width). Pipes and devices are not opened: reading them may wait
    forever. Raises `BrokenImageError`."""
    try:
        if isinstance(path, Path) and not stat.S_ISREG(path.stat().st_mode):
            raise BrokenImageError(f"{path} is no ordinary file: not opened")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(path) if isinstance(path, Path) else path.open()
            if image.size[0] * image.size[1] > MAX_PIXELS:
                width, height = image.size
                raise BrokenImageError(f"{path} claims {width}x{height} pixels, more than {MAX_PIXELS:,}: not unpacked")
            if draft_size is not None:
                image.draft(None, (draft_size[1], draft_size[0]))
            image.load()
            return ImageOps.exif_transpose(image)
    except BrokenImageError:
        raise
    except Image.DecompressionBombError as error:
        raise BrokenImageError(f"{path} is not unpacked: {error}") from None
    except Exception as error:  # Pillow's plug-ins raise almost anything on damaged files
        raise BrokenImageError(f"{path} cannot be read as an image: {error or type(error).__name__}") from None


def open_converted(path: File, channels: int, draft_size: tuple[int, int] | None = None) -> Image.Image:
    """`open_image`, in grey (1 channel) or RGB (3). Raises `BrokenImageError`."""
    image = open_image(path, draft_size)
    try:
        return to_mode(image, channels)
    except ValueError as error:
        raise BrokenImageError(f"{path} is an image of mode {image.mode}: {error}") from None


def to_mode(image: Image.Image, channels: int) -> Image.Image:
    """The image in grey (1 channel) or RGB (3). Transparency is laid over white, 16 bits become 8,
    palettes and CMYK are converted."""
    mode = "L" if channels == 1 else "RGB"
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.int64)
        wide = image.mode != "I" or values.max(initial=0) > 255
        image = Image.fromarray((np.clip(values, 0, 65535) >> 8 if wide else values.clip(0, 255)).astype(np.uint8))
    elif image.mode == "F":
        values = np.nan_to_num(np.asarray(image))
        scale = 255.0 if values.max(initial=0) <= 1 else 1.0
        image = Image.fromarray((values * scale).clip(0, 255).astype(np.uint8))
    elif image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image if image.mode == mode else image.convert(mode)


def to_tensor(image: Image.Image) -> Tensor:
    """uint8 (C, H, W) of a grey or RGB image."""
    import torch

    array = np.asarray(image)
    return torch.from_numpy(np.array(array[None] if array.ndim == 2 else array.transpose(2, 0, 1), order="C"))


def resize_to(image: Image.Image, size: tuple[int, int], box: ImageRegion | None = None) -> Image.Image:
    """The part `box` of the image (or, as version 0.1 did, the centre, as much as `centre_share` says) at `size`
    (height, width)."""
    height, width = size
    region: Any = box or centre_box(image.size, size, centre_share(size))
    return image.resize((width, height), Image.Resampling.BILINEAR, box=region)


def centre_share(size: tuple[int, int]) -> float:
    """The share of an image's short side that version 0.1 kept at `size` (height, width): photographs (64 pixels
    and up) lost 1/8, as is the custom for ImageNet; small images kept it whole."""
    return CENTRE_SHARE if min(size) >= SMALLEST_PHOTOGRAPH else 1.0


def centre_box(image_size: tuple[int, int], size: tuple[int, int], share: float) -> ImageRegion:
    """The centre of an image (width, height) with the aspect of `size` (height, width), `share` of what
    fits."""
    width, height = image_size
    wanted_height, wanted_width = size
    scale = min(width / wanted_width, height / wanted_height) * share
    half_width, half_height = wanted_width * scale / 2, wanted_height * scale / 2
    return ImageRegion(
        max(width / 2 - half_width, 0.0),
        max(height / 2 - half_height, 0.0),
        min(width / 2 + half_width, width),
        min(height / 2 + half_height, height),
    )


def read_image(path: File, channels: int, size: tuple[int, int] | None, resize: Resize | None = DEFAULT) -> Tensor:
    """An image file as uint8 (C, H, W), brought to `size` (height, width) as `resize` says, or whole without
    `size`. This is the picture that training, evaluation and prediction see.

    Without `resize` it is the picture of version 0.1: the centre, of large JPEGs at a smaller scale. Raises
    `BrokenImageError`.
    """
    if size is not None and resize is None:
        return to_tensor(resize_to(open_converted(path, channels, (size[0] * 2, size[1] * 2)), size))
    image = open_converted(path, channels)
    return to_tensor(image if size is None or resize is None else fit(image, size, resize))
