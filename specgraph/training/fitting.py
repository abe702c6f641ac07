"""Batches of images brought to a network's size on the device, in floating point."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from specgraph.datasets.placement import place
from specgraph.datasets.samples import IGNORED
from specgraph.recipes.resizing import Pad, Resize


def resize(x_nchw: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, with antialiasing where the image shrinks."""
    if x_nchw.shape[-2:] == size:
        return x_nchw
    shrinks = x_nchw.shape[-2] > size[0] or x_nchw.shape[-1] > size[1]
    return F.interpolate(x_nchw, size, mode="bilinear", align_corners=False, antialias=shrinks)


def fit_batch(x_nchw: Tensor, size: tuple[int, int], how: Resize) -> Tensor:
    """Images (N, C, H, W) at `size`, cropped, stretched or padded as a recipe says."""
    placed = place(how, (x_nchw.shape[-2], x_nchw.shape[-1]), size)
    x = x_nchw[..., placed.top : placed.top + placed.height, placed.left : placed.left + placed.width]
    if how.interpolation == "bilinear" and how.antialias:
        x = resize(x, placed.size)
    elif x.shape[-2:] != placed.size:
        x = _weigh(x, placed.size, how)
    return _ground(x, placed.offset, size, float(how.fill)) if isinstance(how, Pad) else x


def fit_masks(mask_n1hw: Tensor, size: tuple[int, int], how: Resize) -> Tensor:
    """Class numbers (N, 1, H, W) placed like their images: the nearest ones; where there is no image they count
    nowhere."""
    placed = place(how, (mask_n1hw.shape[-2], mask_n1hw.shape[-1]), size)
    mask = mask_n1hw[..., placed.top : placed.top + placed.height, placed.left : placed.left + placed.width]
    mask = F.interpolate(mask, placed.size, mode="nearest-exact")
    return _ground(mask, placed.offset, size, IGNORED) if isinstance(how, Pad) else mask


def _ground(x_nchw: Tensor, offset: tuple[int, int], size: tuple[int, int], fill: float) -> Tensor:
    (top, left), (height, width) = offset, x_nchw.shape[-2:]
    return F.pad(x_nchw, (left, size[1] - width - left, top, size[0] - height - top), value=fill)


def _weigh(x_nchw: Tensor, size: tuple[int, int], how: Resize) -> Tensor:
    """Rows and columns times the weights that pictures of files are resized with."""
    from specgraph.datasets.resample import axis_weights

    pairs = zip(x_nchw.shape[-2:], size, strict=True)
    down, across = (torch.from_numpy(axis_weights(old, new, how)).to(x_nchw.device) for old, new in pairs)
    return down @ (x_nchw.to(torch.float32) @ across.T)
