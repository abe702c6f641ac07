"""Convolutions and pooling with padding that differs before and after an axis. As those of `modules.py`, each stands
alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PaddedConv1d(nn.Conv1d):
    """`nn.Conv1d` with its own padding, `pad`, as `nn.functional.pad` takes it: last axis first, before and after."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int],
        stride: int | tuple[int] = 1,
        dilation: int | tuple[int] = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        pad: tuple[int, ...],
        pad_mode: str = "constant",
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, 0, dilation, groups, bias)
        self.pad = pad
        self.pad_mode = pad_mode

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.pad(x, self.pad, mode=self.pad_mode)
        weight, bias, groups = self.weight, self.bias, self.groups
        return nn.functional.conv1d(x, weight, bias, self.stride, 0, self.dilation, groups)


class PaddedConv2d(nn.Conv2d):
    """`nn.Conv2d` with its own padding, `pad`, as `nn.functional.pad` takes it: last axis first, before and after."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        pad: tuple[int, ...],
        pad_mode: str = "constant",
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, 0, dilation, groups, bias)
        self.pad = pad
        self.pad_mode = pad_mode

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.pad(x, self.pad, mode=self.pad_mode)
        weight, bias, groups = self.weight, self.bias, self.groups
        return nn.functional.conv2d(x, weight, bias, self.stride, 0, self.dilation, groups)


class PaddedConv3d(nn.Conv3d):
    """`nn.Conv3d` with its own padding, `pad`, as `nn.functional.pad` takes it: last axis first, before and after."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int, int],
        stride: int | tuple[int, int, int] = 1,
        dilation: int | tuple[int, int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        pad: tuple[int, ...],
        pad_mode: str = "constant",
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, 0, dilation, groups, bias)
        self.pad = pad
        self.pad_mode = pad_mode

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.pad(x, self.pad, mode=self.pad_mode)
        weight, bias, groups = self.weight, self.bias, self.groups
        return nn.functional.conv3d(x, weight, bias, self.stride, 0, self.dilation, groups)


class PaddedMaxPool(nn.Module):
    """Max pooling, `pool`, with its own padding before and after each axis.

    `pad` is ordered as in `nn.functional.pad`. With `ceil_mode`, no window starts in the padding at the end.
    """

    def __init__(
        self, pool: nn.Module, pad: tuple[int, ...], strides: tuple[int, ...], ceil_mode: bool
    ) -> None:
        super().__init__()
        self.pool = pool
        self.pad = pad
        self.strides = strides
        self.ceil_mode = ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pool(nn.functional.pad(x, self.pad, value=float("-inf")))
        if self.ceil_mode:
            for axis, stride in enumerate(self.strides, 2):
                before = self.pad[-2 * (axis - 1)]
                y = y.narrow(axis, 0, min(y.size(axis), (x.size(axis) + before - 1) // stride + 1))
        return y


class PaddedAvgPool(nn.Module):
    """Average pooling, `pool`, with its own padding before and after each axis.

    `pad` is ordered as in `nn.functional.pad`. With `ceil_mode`, no window starts in the padding at the end.
    `count_include_pad` says whether the padding counts in the mean.
    """

    def __init__(
        self,
        pool: nn.Module,
        pad: tuple[int, ...],
        strides: tuple[int, ...],
        ceil_mode: bool,
        count_include_pad: bool,
    ) -> None:
        super().__init__()
        self.pool = pool
        self.pad = pad
        self.strides = strides
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pool(nn.functional.pad(x, self.pad))
        if not self.count_include_pad:
            y = y / self.pool(nn.functional.pad(torch.ones_like(x[:1, :1]), self.pad))
        if self.ceil_mode:
            for axis, stride in enumerate(self.strides, 2):
                before = self.pad[-2 * (axis - 1)]
                y = y.narrow(axis, 0, min(y.size(axis), (x.size(axis) + before - 1) // stride + 1))
        return y
