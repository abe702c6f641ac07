"""The oracle's ops on maps: convolutions, pooling, resizing, padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.oracle.modules import Call, amount, even, is_even, last_first, of_rank, sides, spatial_rank


def conv(
    x: Tensor,
    *,
    out_channels: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    bias: bool = True,
    padding_mode: str = "zeros",
    in_channels: int | None = None,
) -> nn.Module:
    rank = spatial_rank(x)
    cls = of_rank("Conv", x)
    channels = x.shape[1] if in_channels is None else in_channels
    rest = (amount(stride), even(padding) if is_even(padding) else 0, amount(dilation), groups, bias)
    if is_even(padding):
        return cls(channels, out_channels, amount(kernel_size), *rest, padding_mode)
    module = cls(channels, out_channels, amount(kernel_size), *rest)
    pairs = last_first(sides(padding, rank))
    mode = "constant" if padding_mode == "zeros" else padding_mode
    return Call(lambda x: module(F.pad(x, pairs, mode=mode)), module)


def conv_transpose(
    x: Tensor,
    *,
    out_channels: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    bias: bool = True,
    in_channels: int | None = None,
) -> nn.Module:
    rank = spatial_rank(x)
    cls = of_rank("ConvTranspose", x)
    channels = x.shape[1] if in_channels is None else in_channels

    def build(pad: Any) -> Any:
        options = (amount(stride), pad, amount(output_padding), groups, bias, amount(dilation))
        return cls(channels, out_channels, amount(kernel_size), *options)

    if is_even(padding):
        return build(even(padding))
    module = build(0)
    pairs = sides(padding, rank)

    def cut(x: Tensor) -> Tensor:
        y: Tensor = module(x)
        for axis, (before, after) in enumerate(pairs, 2):
            y = y.narrow(axis, before, y.shape[axis] - before - after)
        return y

    return Call(cut, module)


def starting_inside(y: Tensor, x: Tensor, stride: Any, pairs: list[tuple[int, int]]) -> Tensor:
    """`ceil_mode` keeps a window only where it starts in the input or the padding before it."""
    for axis, (before, _) in enumerate(pairs, 2):
        step = stride[axis - 2] if isinstance(stride, list) else stride
        starts = [index for index in range(y.shape[axis]) if index * step < x.shape[axis] + before]
        y = y.narrow(axis, 0, len(starts))
    return y


def max_pool(
    x: Tensor,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> nn.Module:
    cls = of_rank("MaxPool", x)
    step, spread = amount(stride), amount(dilation)
    if is_even(padding):
        return cls(amount(kernel_size), step, even(padding), spread, ceil_mode=ceil_mode)
    pairs = sides(padding, spatial_rank(x))
    pool = cls(amount(kernel_size), step, 0, spread, ceil_mode=ceil_mode)
    steps = kernel_size if stride is None else stride

    def run(x: Tensor) -> Tensor:
        y = pool(F.pad(x, last_first(pairs), value=-torch.inf))
        return starting_inside(y, x, steps, pairs) if ceil_mode else y

    return Call(run)


def avg_pool(
    x: Tensor,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> nn.Module:
    cls = of_rank("AvgPool", x)
    options: dict[str, Any] = {"ceil_mode": ceil_mode}
    if divisor_override is not None:
        options["divisor_override"] = divisor_override
    if is_even(padding):
        pad = even(padding)
        return cls(amount(kernel_size), amount(stride), pad, count_include_pad=count_include_pad, **options)
    pairs = sides(padding, spatial_rank(x))
    pool = cls(amount(kernel_size), amount(stride), 0, **options)
    steps = kernel_size if stride is None else stride

    def run(x: Tensor) -> Tensor:
        y = pool(F.pad(x, last_first(pairs)))
        if not count_include_pad and divisor_override is None:
            y = y / pool(F.pad(torch.ones_like(x), last_first(pairs)))
        return starting_inside(y, x, steps, pairs) if ceil_mode else y

    return Call(run)


def adaptive_avg_pool(x: Tensor, *, output_size: Any) -> nn.Module:
    cls = of_rank("AdaptiveAvgPool", x)
    return cls(_kept_if_null(output_size, x))


def adaptive_max_pool(x: Tensor, *, output_size: Any) -> nn.Module:
    cls = of_rank("AdaptiveMaxPool", x)
    return cls(_kept_if_null(output_size, x))


def _kept_if_null(output_size: Any, x: Tensor) -> Any:
    if x.ndim == 3:  # one axis: PyTorch takes numbers only
        size = output_size[0] if isinstance(output_size, list) and len(output_size) == 1 else output_size
        return x.shape[2] if size is None else amount(size)
    return (None,) * (x.ndim - 2) if output_size is None else amount(output_size)


def global_avg_pool(x: Tensor) -> nn.Module:
    axes = list(range(2, 2 + spatial_rank(x)))
    return Call(lambda x: x.mean(axes, keepdim=True))


def global_max_pool(x: Tensor) -> nn.Module:
    axes = list(range(2, 2 + spatial_rank(x)))
    return Call(lambda x: x.amax(axes, keepdim=True))


def upsample(
    x: Tensor, *, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> nn.Module:
    spatial_rank(x)
    return nn.Upsample(amount(size), amount(scale_factor), mode, align_corners)


def resize_like(x: Tensor, like: Tensor, *, mode: str = "nearest", align_corners: bool | None = None) -> nn.Module:
    if spatial_rank(x) != spatial_rank(like):
        raise RuntimeError("one size for each spatial axis")
    return Call(lambda x, like: F.interpolate(x, like.shape[2:], None, mode, align_corners))


def max_unpool(x: Tensor, whole: Tensor, *, kernel_size: Any) -> nn.Module:
    if spatial_rank(x) != spatial_rank(whole):
        raise RuntimeError("PyTorch pools a map without batch axis too")
    pool = of_rank("MaxPool", whole)(amount(kernel_size), return_indices=True)
    unpool = of_rank("MaxUnpool", x)(amount(kernel_size))
    if pool(whole)[0].shape != x.shape:
        raise RuntimeError("PyTorch reads the places of a larger map without a word")
    return Call(lambda x, whole: unpool(x, pool(whole)[1], output_size=whole.shape[2:]))


def lrn(x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> nn.Module:
    spatial_rank(x)
    module = nn.LocalResponseNorm(size, alpha, beta, k)
    return Call(lambda x: module(x.contiguous()))  # its refusal of strided memory says nothing of shapes


def pad(x: Tensor, *, padding: Any = 0, channels: Any = (0, 0), mode: str = "constant", value: float = 0) -> nn.Module:
    rank = x.ndim - 2
    before, after = channels
    flat = last_first(sides(padding, rank))
    if padding != 0:
        spatial_rank(x)
    if before or after:
        flat += [before, after]
    spatial_rank(x, 0)
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise NotImplementedError(f"no padding mode {mode}")
    if not any(flat):
        return nn.Identity()
    if mode == "constant":
        return Call(lambda x: F.pad(x, flat, value=value))
    spatial_rank(x)
    return Call(lambda x: F.pad(x, flat, mode=mode))


def layer(name: str) -> Any:
    """PyTorch's layer of that name for as many spatial axes as an input has: `nn.LPPool2d` for `LPPool`."""

    def build(x: Tensor, **arguments: Any) -> nn.Module:
        given = {key: amount(value) for key, value in arguments.items()}
        if x.ndim == 3:  # some layers of one axis take numbers alone
            given = {
                key: value[0] if isinstance(value, tuple) and len(value) == 1 else value for key, value in given.items()
            }
        module: nn.Module = of_rank(name, x)(**given)
        return module

    return build


def with_batch(layer: type[nn.Module], rank: int) -> Callable[..., nn.Module]:
    """A layer that would take a tensor of fewer axes for one without a batch."""

    def make(x: Tensor, **arguments: Any) -> nn.Module:
        if x.ndim != rank:
            raise RuntimeError(f"{x.ndim} axes")
        return layer(**arguments)

    return make
