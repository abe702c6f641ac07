"""Modules and functions for windows of a map. Each stands alone, as those of `modules.py` do."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Window(nn.Module):
    """Cuts a map (N, ..., C) with channels last into windows, (N, windows, tokens, C). Liu et al. 2021, "Swin
    Transformer".

    The map is first rolled back by `shift_size`, except along an axis with one window. `mode` is `window` for
    neighbours, or `grid` for points that are spread evenly over the map (Tu et al. 2022, "MaxViT"). With `ceil_mode`
    zeros fill the last windows.
    """

    def __init__(
        self,
        window_size: int | tuple[int, ...],
        shift_size: int | tuple[int, ...] = 0,
        mode: str = "window",
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.window_size = window_size
        self.shift_size = shift_size
        self.mode = mode
        self.ceil_mode = ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        rank = x.ndim - 2
        window, shift = [
            (s,) * rank if isinstance(s, int) else s for s in (self.window_size, self.shift_size)
        ]
        counts = [
            -(-n // size) if self.ceil_mode else n // size
            for n, size in zip(x.shape[1:-1], window, strict=True)
        ]
        added = [
            count * size - n for count, size, n in zip(counts, window, x.shape[1:-1], strict=True)
        ]
        if self.ceil_mode and any(added):
            x = nn.functional.pad(
                x, [0, 0, *[part for amount in reversed(added) for part in (0, amount)]]
            )
        shifts = [-step if count > 1 else 0 for step, count in zip(shift, counts, strict=True)]
        if any(shifts):
            x = torch.roll(x, shifts, list(range(1, rank + 1)))
        is_grid = self.mode == "grid"
        sizes = [
            part
            for pair in zip(counts, window, strict=True)
            for part in (reversed(pair) if is_grid else pair)
        ]
        x = x.reshape(x.size(0), *sizes, x.size(-1))
        outer, inner = list(range(1, 2 * rank, 2)), list(range(2, 2 * rank + 1, 2))
        order = [*inner, *outer] if is_grid else [*outer, *inner]
        return x.permute(0, *order, 2 * rank + 1).flatten(1, rank).flatten(2, rank + 1)

    def extra_repr(self) -> str:
        return f"{self.window_size}, shift_size={self.shift_size}, mode={self.mode!r}, ceil_mode={self.ceil_mode}"


class Unwindow(nn.Module):
    """Puts windows (N, windows, tokens, C) together to a map (N, ..., C) as large as `like`: what `Window` does with
    the same arguments, undone."""

    def __init__(
        self,
        window_size: int | tuple[int, ...],
        shift_size: int | tuple[int, ...] = 0,
        mode: str = "window",
    ) -> None:
        super().__init__()
        self.window_size = window_size
        self.shift_size = shift_size
        self.mode = mode

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        rank = like.ndim - 2
        window, shift = [
            (s,) * rank if isinstance(s, int) else s for s in (self.window_size, self.shift_size)
        ]
        counts = [-(-n // size) for n, size in zip(like.shape[1:-1], window, strict=True)]
        x = x.reshape(x.size(0), *counts, *window, x.size(-1))
        outer, inner = range(1, rank + 1), range(rank + 1, 2 * rank + 1)
        pairs = (
            zip(inner, outer, strict=True)
            if self.mode == "grid"
            else zip(outer, inner, strict=True)
        )
        x = x.permute(0, *[axis for pair in pairs for axis in pair], 2 * rank + 1)
        for axis in range(1, rank + 1):
            x = x.flatten(axis, axis + 1)
        shifts = [step if count > 1 else 0 for step, count in zip(shift, counts, strict=True)]
        if any(shifts):
            x = torch.roll(x, shifts, list(range(1, rank + 1)))
        return x[(slice(None), *[slice(0, n) for n in like.shape[1:-1]])]

    def extra_repr(self) -> str:
        return f"{self.window_size}, shift_size={self.shift_size}, mode={self.mode!r}"


class WindowMask(nn.Module):
    """What keeps parts of a window apart that `Window` brought together by a shift: (1, windows, 1, tokens, tokens) for
    a map (N, ..., C), `value` for two tokens of different parts, else 0."""

    def __init__(
        self,
        window_size: int | tuple[int, ...],
        shift_size: int | tuple[int, ...] = 0,
        value: float = -100,
    ) -> None:
        super().__init__()
        self.window_size = window_size
        self.shift_size = shift_size
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        rank = x.ndim - 2
        window, shift = [
            (s,) * rank if isinstance(s, int) else s for s in (self.window_size, self.shift_size)
        ]
        counts = [-(-n // size) for n, size in zip(x.shape[1:-1], window, strict=True)]
        apart = torch.zeros([1] * 3 * rank, dtype=torch.bool, device=x.device)
        for axis, (count, size, step) in enumerate(zip(counts, window, shift, strict=True)):
            place = torch.arange(count * size, device=x.device).view(count, size)
            late = place >= count * size - (step if count > 1 else 0)
            shape = [1] * 3 * rank
            shape[axis], shape[rank + axis], shape[2 * rank + axis] = count, size, size
            apart = apart | (late[:, :, None] != late[:, None, :]).view(shape)
        tokens = math.prod(window)
        return apart.reshape(1, -1, 1, tokens, tokens).to(x.dtype) * self.value

    def extra_repr(self) -> str:
        return f"{self.window_size}, shift_size={self.shift_size}, value={self.value}"


def relative_position_index(window_size: tuple[int, ...]) -> Tensor:
    """For each pair of tokens of a window the number of their offset, (tokens, tokens)."""
    places = torch.cartesian_prod(*[torch.arange(size) for size in window_size]).view(
        -1, len(window_size)
    )
    offsets = places[:, None] - places[None]
    index = torch.zeros_like(offsets[..., 0])
    for axis, size in enumerate(window_size):
        index = index * (2 * size - 1) + offsets[..., axis] + size - 1
    return index


def log_spaced_offsets(window_size: tuple[int, ...]) -> Tensor:
    """All offsets of two tokens of a window, log-spaced: (offsets along each axis, axes). Liu et al. 2022, "Swin
    Transformer V2", section 3.3."""
    axes = [torch.arange(1.0 - size, size) / max(size - 1, 1) * 8 for size in window_size]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    return torch.sign(offsets) * torch.log2(offsets.abs() + 1) / 3
