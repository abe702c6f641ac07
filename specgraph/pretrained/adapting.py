"""Tensors made to fit: a first layer for other channels, a linear layer on a map of another size, position embeddings
for another number of positions."""

from __future__ import annotations

from math import isqrt, prod

import torch
import torch.nn.functional as F
from torch import Tensor

from specgraph.pretrained.grids import sizes_in
from specgraph.pretrained.wanted import CHANNELS, CORNERS, POSITIONS, SIZE, Place, shape_text


def kind_of_adaptation(shape: tuple[int, ...], place: Place) -> str | None:
    """How a tensor of this shape can be made to fit a place: `channels`, `size`, `positions`, or None."""
    wanted = place.shape
    if place.grid is not None:
        return POSITIONS if sizes_in(shape, wanted, place.grid) else None
    if place.reads_input and len(shape) > 2 and len(shape) == len(wanted):
        return CHANNELS if (shape[0], *shape[2:]) == (wanted[0], *wanted[2:]) else None
    return SIZE if map_sizes(shape, place) else None


def map_sizes(shape: tuple[int, ...], place: Place) -> tuple[int, int] | None:
    """Height and width of the map that was flattened before a layer with weights of this shape, None if there was
    none."""
    wanted = place.shape
    if not place.flattened or not len(shape) == len(wanted) == 2 or shape[0] != wanted[0]:
        return None
    return _sizes(shape[1], place)


def adapt(tensor: Tensor, place: Place, kind: str) -> tuple[Tensor, str]:
    """The tensor with the shape of its place, and how it came to it. `corners` is another way for `positions`."""
    if kind == CHANNELS:
        return _adapt_channels(tensor, place.shape[1])
    if kind in (POSITIONS, CORNERS):
        return _adapt_positions(tensor, place, corners=kind == CORNERS)
    return _adapt_size(tensor, place)


def _adapt_channels(weight: Tensor, channels: int) -> tuple[Tensor, str]:
    """Weights (O, I, …) for other input channels, so that a grey image, or one whose channels are equal, gives the
    same: summed for one channel, else repeated and scaled, as timm's `adapt_input_conv` does."""
    before = weight.shape[1]
    if channels == 1:
        return weight.sum(1, keepdim=True), f"summed over its {before} channels"
    repeats = -(-channels // before)
    tiled = torch.cat([weight] * repeats, 1)[:, :channels]
    return tiled * (before / channels), f"repeated from {before} to {channels} channels"


def _sizes(features: int, place: Place) -> tuple[int, int] | None:
    """Height and width of the map whose values the features of a file were, by the channels and the aspect of the
    network's."""
    channels, height, width = place.flattened
    if features % channels:
        return None
    pixels = features // channels
    if height == width:
        side = isqrt(pixels)
        return (side, side) if side * side == pixels else None
    heights = (each for each in range(1, pixels + 1) if pixels % each == 0)
    return next(((each, pixels // each) for each in heights if each * each * width == pixels * height), None)


def _adapt_size(weight: Tensor, place: Place) -> tuple[Tensor, str]:
    """Weights (O, C * h * w) for a map (C, H, W), interpolated between pixels and scaled by their number, so that a
    plain map gives the same sums."""
    channels, height, width = place.flattened
    sizes = _sizes(weight.shape[1], place)
    assert sizes is not None
    maps_ochw = weight.reshape(weight.shape[0], channels, *sizes)
    shrinks = sizes[0] > height or sizes[1] > width
    new = F.interpolate(maps_ochw.float(), (height, width), mode="bilinear", align_corners=False, antialias=shrinks)
    new = new.to(weight.dtype) * (prod(sizes) / (height * width))
    return new.reshape(place.shape), f"interpolated from {shape_text(sizes)} to {shape_text((height, width))} pixels"


def _adapt_positions(tensor: Tensor, place: Place, *, corners: bool) -> tuple[Tensor, str]:
    """Entries of a grid, interpolated bicubically for another one; tokens beside the grid stay.

    Embeddings as timm's `resample_abs_pos_embed` does (pixels are areas, antialiased), or with `corners` as
    torchvision's `interpolate_embeddings` (the outermost places stay where they are); tables of offsets as timm's
    `resize_rel_pos_bias_table_simple`, after the Swin Transformer's authors (Liu et al. 2021).
    """
    grid = place.grid
    assert grid is not None
    sizes = sizes_in(tuple(tensor.shape), place.shape, grid)
    assert sizes is not None
    last = tensor.ndim - len(grid.axes)
    moved = tensor.movedim(list(grid.axes), list(range(last, tensor.ndim))).float()
    kept = grid.before + grid.after
    inner = moved[..., grid.before : moved.shape[-1] - grid.after] if grid.joined else moved
    maps_nchw = inner.reshape(1, -1, *(1,) * (2 - len(sizes)), *sizes)
    size = (*(1,) * (2 - len(sizes)), *grid.sizes)
    if grid.offsets:
        new = F.interpolate(maps_nchw, size, mode="bicubic", align_corners=False)
    else:
        new = F.interpolate(maps_nchw, size, mode="bicubic", align_corners=corners, antialias=not corners)
    if grid.joined:
        flat = new.reshape(*moved.shape[:-1], -1)
        parts = (moved[..., : grid.before], flat, moved[..., moved.shape[-1] - grid.after :])
        new = torch.cat(parts, -1)
    else:
        new = new.reshape(*moved.shape[:last], *grid.sizes)
    back = new.movedim(list(range(last, tensor.ndim)), list(grid.axes))
    how = f"interpolated bicubically from {shape_text(sizes)} to {shape_text(grid.sizes)}"
    told = f"; {kept} {'token' if kept == 1 else 'tokens'} beside them kept" if kept else ""
    return back.to(tensor.dtype), f"{how} {'offsets' if grid.offsets else 'positions'}{told}"
