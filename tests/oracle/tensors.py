"""The oracle's ops on any tensor: norms, activations, joins, shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import StochasticDepth as TorchvisionStochasticDepth

from tests.oracle.labels import Labels
from tests.oracle.modules import Call, Scale, of_rank, spatial_rank


def batch_norm(
    x: Tensor,
    *,
    eps: float = 1e-5,
    momentum: float | None = 0.1,
    affine: bool = True,
    track_running_stats: bool = True,
    num_features: int | None = None,
) -> nn.Module:
    cls = nn.BatchNorm1d if x.ndim == 2 else of_rank("BatchNorm", x)
    return cls(x.shape[1] if num_features is None else num_features, eps, momentum, affine, track_running_stats)


def instance_norm(
    x: Tensor,
    *,
    eps: float = 1e-5,
    momentum: float = 0.1,
    affine: bool = False,
    track_running_stats: bool = False,
    num_features: int | None = None,
) -> nn.Module:
    cls = of_rank("InstanceNorm", x)
    return cls(x.shape[1] if num_features is None else num_features, eps, momentum, affine, track_running_stats)


def group_norm(
    x: Tensor, *, num_groups: int, eps: float = 1e-5, affine: bool = True, num_channels: int | None = None
) -> nn.Module:
    return nn.GroupNorm(num_groups, x.shape[1] if num_channels is None else num_channels, eps, affine)


def layer_norm(
    x: Tensor,
    *,
    axes: list[int] | None = None,
    eps: float = 1e-5,
    elementwise_affine: bool = True,
    bias: bool = True,
) -> nn.Module:
    wanted = sorted(range(x.ndim)[axis] for axis in (axes if axes is not None else [-1]))
    sizes = [x.shape[axis] for axis in wanted]
    behind = list(range(x.ndim - len(wanted), x.ndim))
    module = nn.LayerNorm(sizes, eps, elementwise_affine, bias)
    if wanted == behind:
        return module
    return Call(lambda x: module(x.movedim(wanted, behind)).movedim(behind, wanted), module)


def rms_norm(
    x: Tensor, *, axes: list[int] | None = None, eps: float | None = None, elementwise_affine: bool = True
) -> nn.Module:
    wanted = sorted(range(x.ndim)[axis] for axis in (axes if axes is not None else [-1]))
    behind = list(range(x.ndim - len(wanted), x.ndim))
    module = nn.RMSNorm([x.shape[axis] for axis in wanted], eps, elementwise_affine)
    if wanted == behind:
        return module
    return Call(lambda x: module(x.movedim(wanted, behind)).movedim(behind, wanted), module)


def softmax(x: Tensor, *, dim: int = 1) -> nn.Module:
    return nn.Softmax(dim)


def log_softmax(x: Tensor, *, dim: int = 1) -> nn.Module:
    return nn.LogSoftmax(dim)


def glu(x: Tensor, *, dim: int = 1) -> nn.Module:
    return nn.GLU(dim)


def linear(x: Tensor, *, out_features: int, bias: bool = True, in_features: int | None = None) -> nn.Module:
    return nn.Linear(x.shape[-1] if in_features is None else in_features, out_features, bias)


def dropout(x: Tensor, *, p: float = 0.5, mode: str = "element") -> nn.Module:
    if mode not in ("element", "channel"):
        raise ValueError("no such dropout")
    return nn.Dropout(p) if mode == "element" else of_rank("Dropout", x)(p)


def flatten(x: Tensor, *, start_dim: int = 1, end_dim: int = -1) -> nn.Module:
    return nn.Flatten(start_dim, end_dim)


def concat(*inputs: Tensor, dim: int = 1) -> nn.Module:
    return Call(lambda *inputs: torch.cat(inputs, dim))


def add(x: Tensor, y: Tensor, *more: Tensor) -> nn.Module:
    def run(first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = first + other
        return first

    return Call(run)


def sub(x: Tensor, y: Tensor) -> nn.Module:
    return Call(lambda x, y: x - y)


def extreme(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], nn.Module]:
    return lambda x, y: Call(function)


def mul(x: Tensor, y: Tensor, *more: Tensor) -> nn.Module:
    def run(first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = first * other
        return first

    return Call(run)


def slice_(x: Tensor, *, dim: int = 1, start: int = 0, stop: int | None = None, step: int = 1) -> nn.Module:
    axis = range(x.ndim)[dim]
    return Call(lambda x: x[(*[slice(None)] * axis, slice(start, stop, step))])


def reshape(x: Tensor, *, shape: list[int]) -> nn.Module:
    return Call(lambda x: x.reshape(x.shape[0], *shape))


def permute(x: Tensor, *, dims: list[int]) -> nn.Module:
    return Call(lambda x: x.permute(*dims))


def channel_shuffle(x: Tensor, *, groups: int) -> nn.Module:
    return nn.ChannelShuffle(groups)


def pixel_shuffle(x: Tensor, *, upscale_factor: int) -> nn.Module:
    if spatial_rank(x) != 2:
        raise RuntimeError("PyTorch takes any number of leading axes for batch axes")
    return nn.PixelShuffle(upscale_factor)


def mean(x: Tensor, *, dim: Any, keepdim: bool = False) -> nn.Module:
    return Call(lambda x: x.mean(dim, keepdim=keepdim))


def identity(x: Tensor) -> nn.Module:
    return nn.Identity()


def stochastic_depth(x: Tensor, *, p: float, mode: str = "row") -> nn.Module:
    module = TorchvisionStochasticDepth(p, mode)
    module.eval()(x)
    module.train()(x)  # its arguments are looked at in training only
    return module


def layer_scale(x: Tensor, *, init_value: float = 1e-6, labels: Labels) -> nn.Module:
    axis = x.ndim - 1 if labels[-1] in ("C", "F") else 1
    return Scale((x.shape[axis], *[1] * (x.ndim - 1 - axis)), init_value)


def shrink(cls: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """PyTorch refuses a negative `lambd` when a softshrink is called; here both are refused when they are built."""

    def build(x: Tensor, lambd: float = 0.5) -> nn.Module:
        if lambd < 0:
            raise ValueError(f"lambd must not be negative, not {lambd}")
        return cls(lambd)

    return build


def clamp(min: float | None = None, max: float | None = None) -> nn.Module:
    """PyTorch takes bounds in any order, where all values become one; as `nn.Hardtanh`, they are refused here."""
    if min is not None and max is not None:
        return nn.Hardtanh(min, max)
    if min is None and max is None:
        raise ValueError("at least one of min and max is needed")
    return Call(lambda x: x.clamp(min, max))


def activation(cls: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """A module that takes its arguments as they are and any one tensor."""

    def build(x: Tensor, **arguments: Any) -> nn.Module:
        return cls(**arguments)

    return build
