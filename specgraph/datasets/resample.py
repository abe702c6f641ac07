"""Pictures brought to a network's size: bytes to bytes, or bytes to floating point. Needs Pillow and NumPy.

Bytes are the picture of files: the columns are resized first, rounded to whole numbers (halves up), then the rows.
One order on every machine and in ONNX files (`backends/onnx/placing.py`); Pillow by itself takes either.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from specgraph.datasets.placement import place
from specgraph.recipes.resizing import Pad, Resize

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
CUBIC = -0.5  # Keys's parameter, as in Pillow


def fit(image: Image.Image, size: tuple[int, int], resize: Resize) -> Image.Image:
    """A grey or RGB picture at `size` (height, width), as `resize` says."""
    placed = place(resize, (image.height, image.width), size)
    if not placed.keeps_all((image.height, image.width)):
        image = image.crop((placed.left, placed.top, placed.left + placed.width, placed.top + placed.height))
    image = _resampled(image, placed.size, resize)
    if not isinstance(resize, Pad) or placed.size == size:
        return image
    ground = Image.new(image.mode, (size[1], size[0]), resize.fill if image.mode == "L" else (resize.fill,) * 3)
    ground.paste(image, (placed.offset[1], placed.offset[0]))
    return ground


def fit_numbers(numbers: NDArray[np.uint8], size: tuple[int, int], resize: Resize, outside: int) -> NDArray[np.uint8]:
    """A mask of class numbers (H, W) placed like its picture: the nearest number, `outside` it where it is padded."""
    placed = place(resize, (numbers.shape[0], numbers.shape[1]), size)
    part = numbers[placed.top : placed.top + placed.height, placed.left : placed.left + placed.width]
    found = np.full(size, outside, np.uint8)
    (top, left), (height, width) = placed.offset, placed.size
    found[top : top + height, left : left + width] = _nearest(part, placed.size)
    return found


def fit_floats(image: Image.Image, size: tuple[int, int], resize: Resize) -> NDArray[np.float32]:
    """`fit` without rounding, (C, height, width): as images held in memory are resized on the device."""
    placed = place(resize, (image.height, image.width), size)
    if not placed.keeps_all((image.height, image.width)):
        image = image.crop((placed.left, placed.top, placed.left + placed.width, placed.top + placed.height))
    height, width = placed.size
    planes: list[NDArray[np.float32]] = []
    for plane in image.split():
        if resize.antialias and resize.interpolation in FILTERS:
            scaled = np.asarray(plane.convert("F").resize((width, height), FILTERS[resize.interpolation]), np.float32)
        else:
            scaled = _weighed(np.asarray(plane), placed.size, resize)
        planes.append(scaled)
    found = np.stack(planes)
    if not isinstance(resize, Pad) or placed.size == size:
        return found
    ground = np.full((len(planes), *size), resize.fill, np.float32)
    top, left = placed.offset
    ground[:, top : top + height, left : left + width] = found
    return ground


def _resampled(image: Image.Image, size: tuple[int, int], resize: Resize) -> Image.Image:
    height, width = size
    if (image.height, image.width) == size:
        return image
    if resize.interpolation == "nearest":
        return Image.fromarray(_nearest(np.asarray(image), size))
    if not resize.antialias:
        bands = [np.floor(_weighed(np.asarray(band), size, resize) + 0.5).clip(0, 255) for band in image.split()]
        return Image.merge(image.mode, [Image.fromarray(band.astype(np.uint8)) for band in bands])
    how = FILTERS[resize.interpolation]
    return image.resize((width, image.height), how).resize((width, height), how)


def _nearest(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The pixel in whose area the centre of each wanted one lies."""
    rows, columns = (nearest_places(old, new) for old, new in zip(pixels.shape, size, strict=False))
    found: NDArray[np.uint8] = pixels[rows][:, columns]
    return found


def _weighed(plane: NDArray[np.uint8], size: tuple[int, int], resize: Resize) -> NDArray[np.float32]:
    """A plane (H, W) times the weights of both axes; pixels without weight are not looked at."""
    down, across = (axis_weights(old, new, resize) for old, new in zip(plane.shape, size, strict=True))
    rows, columns = down.any(0), across.any(0)
    part = plane[rows][:, columns].astype(np.float32)
    found: NDArray[np.float32] = down[:, rows] @ (part @ across[:, columns].T)
    return found


def nearest_places(old: int, new: int) -> NDArray[np.int64]:
    """For each of `new` pixels the one of `old` in whose area its centre lies."""
    found: NDArray[np.int64] = (2 * np.arange(new, dtype=np.int64) + 1) * old // (2 * new)
    return found


def axis_weights(old: int, new: int, resize: Resize) -> NDArray[np.float32]:
    """The share of each of `old` pixels in each of `new`, (new, old): triangles or Keys's cubics around the centres,
    as wide as the picture shrinks where it is antialiased."""
    if resize.interpolation == "nearest":
        return np.asarray(np.eye(old, dtype=np.float32)[nearest_places(old, new)])
    kernel, reach = (_triangle, 1) if resize.interpolation == "bilinear" else (_cubic, 2)
    scale = old / new
    centres = (np.arange(new)[:, None] + 0.5) * scale
    if resize.antialias:
        width = max(scale, 1.0)
        wide = kernel((np.arange(old) + 0.5 - centres) / width)
        found: NDArray[np.float32] = (wide / wide.sum(1, keepdims=True)).astype(np.float32)
        return found
    first = np.floor(centres - 0.5).astype(np.int64)
    weights = np.zeros((new, old))
    for step in range(1 - reach, reach + 1):  # pixels beyond the edge repeat the one at the edge
        places = (first + step).clip(0, old - 1)
        np.add.at(weights, (np.arange(new)[:, None], places), kernel(first + step + 0.5 - centres))
    return weights.astype(np.float32)


def _triangle(x: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.maximum(0.0, 1 - np.abs(x))
    return found


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys 1981, equation 4."""
    x = np.abs(x)
    near = ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * CUBIC
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
