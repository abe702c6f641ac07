"""Modules that PyTorch lacks. Each stands alone: its source is copied into emitted files, where only
`torch`, `Tensor` and `nn` are imported."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from specgraph.backends.torch.padded_modules import PaddedAvgPool as PaddedAvgPool
from specgraph.backends.torch.padded_modules import PaddedConv1d as PaddedConv1d
from specgraph.backends.torch.padded_modules import PaddedConv2d as PaddedConv2d
from specgraph.backends.torch.padded_modules import PaddedConv3d as PaddedConv3d
from specgraph.backends.torch.padded_modules import PaddedMaxPool as PaddedMaxPool
from specgraph.backends.torch.window_modules import Unwindow as Unwindow
from specgraph.backends.torch.window_modules import Window as Window
from specgraph.backends.torch.window_modules import WindowMask as WindowMask
from specgraph.backends.torch.window_modules import log_spaced_offsets as log_spaced_offsets
from specgraph.backends.torch.window_modules import (
    relative_position_index as relative_position_index,
)


class MinPool(nn.Module):
    """The least value of each window, over one, two or three spatial axes; `padding`, a number for both sides of an
    axis or (before, after) for each axis, is never the least."""

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] | tuple[tuple[int, int], ...] = 0,
        dilation: int | tuple[int, ...] = 1,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation

    def forward(self, x: Tensor) -> Tensor:
        pool = (nn.functional.max_pool1d, nn.functional.max_pool2d, nn.functional.max_pool3d)[
            x.ndim - 3
        ]
        x, padding = -x, self.padding
        if isinstance(padding, tuple) and isinstance(padding[0], tuple):
            sides = tuple(side for pair in reversed(padding) for side in pair)
            x, padding = nn.functional.pad(x, sides, value=float("-inf")), 0
        y: Tensor = pool(x, self.kernel_size, self.stride, padding, self.dilation)
        return -y

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}"


class RangePool(nn.Module):
    """The largest value less the least of each window, over one, two or three spatial axes; `padding`, a number for
    both sides of an axis or (before, after) for each axis, is neither of them."""

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] | tuple[tuple[int, int], ...] = 0,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        return self.largest(x) + self.largest(-x)

    def largest(self, x: Tensor) -> Tensor:
        """The largest value of each window."""
        pool = (nn.functional.max_pool1d, nn.functional.max_pool2d, nn.functional.max_pool3d)[
            x.ndim - 3
        ]
        padding = self.padding
        if isinstance(padding, tuple) and isinstance(padding[0], tuple):
            sides = tuple(side for pair in reversed(padding) for side in pair)
            x, padding = nn.functional.pad(x, sides, value=float("-inf")), 0
        y: Tensor = pool(x, self.kernel_size, self.stride, padding)
        return y

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride}, padding={self.padding}"


class SoftPool(nn.Module):
    """The mean of each window, in which each value has its exponential as weight, over one, two or three spatial axes.
    Stergiou et al. 2021, "Refining activation downsampling with SoftPool", equation 2.

    The softmax subtracts the largest value of each window, so that no exponential overflows and no sum of them is zero.
    """

    def __init__(
        self, kernel_size: int | tuple[int, ...], stride: int | tuple[int, ...] | None = None
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        rank = x.ndim - 2
        kernel, stride = [
            (size,) * rank if isinstance(size, int) else size
            for size in (self.kernel_size, self.kernel_size if self.stride is None else self.stride)
        ]
        for axis in range(rank):
            x = x.unfold(axis + 2, kernel[axis], stride[axis])
        windows = x.flatten(-rank)
        return (windows.softmax(-1) * windows).sum(-1)

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride}"


class ChannelsFirstLayerNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (N, C, ...) at each position (ConvNeXt)."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.movedim(1, -1)
        x = nn.functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.movedim(-1, 1)


class ChannelsFirstRMSNorm(nn.RMSNorm):
    """Root-mean-square normalisation over the channels of (N, C, ...) at each position."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.movedim(1, -1)
        x = nn.functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)
        return x.movedim(-1, 1)


class LocalResponseNorm(nn.LocalResponseNorm):
    """`nn.LocalResponseNorm` without average pooling in three dimensions, which is slow on CPUs, copies what is
    channels-last, and has gradients that differ from run to run on CUDA devices.

    The squares of neighbouring channels are added as shifted slices; on a CPU in training they are summed by a
    1x1 convolution with a band of ones, whose backward pass is quicker.
    """

    def forward(self, x: Tensor) -> Tensor:
        if self.is_written_down(x):
            return super().forward(x)
        half = x.dtype in (torch.float16, torch.bfloat16)
        if self.is_quick_to_convolve(x):
            sums = self.convolve(x)
        else:
            sums = self.add_shifted(x.float() if half else x)
        y = x * sums.add_(self.k).pow(-self.beta)
        return y.to(x.dtype) if half and not torch.is_autocast_enabled(x.device.type) else y

    def add_shifted(self, x: Tensor) -> Tensor:
        """Sums of the squares of neighbouring channels, times alpha / size."""
        channels = x.size(1)
        around = (self.size // 2, (self.size - 1) // 2)
        squares = nn.functional.pad(x * x, (0, 0) * (x.ndim - 2) + around)
        sums = squares[:, :channels].clone()
        for shift in range(1, self.size):
            sums += squares[:, shift : shift + channels]
        return sums.mul_(self.alpha / self.size)

    def convolve(self, x: Tensor) -> Tensor:
        """The same sums, by one convolution."""
        channels = torch.arange(x.size(1))
        ahead = channels - channels[:, None] + self.size // 2
        band = ((ahead >= 0) & (ahead < self.size)).to(x.dtype) * (self.alpha / self.size)
        return nn.functional.conv2d(x * x, band[:, :, None, None]).float()

    def is_written_down(self, x: Tensor) -> bool:
        """Whether `x` is traced or exported: other tools know PyTorch's own layer."""
        if torch.compiler.is_compiling():
            return torch.compiler.is_exporting()
        return torch._C._is_tracing() or isinstance(x, torch.fx.Proxy)

    def is_quick_to_convolve(self, x: Tensor) -> bool:
        usual = x.dtype in (torch.float32, torch.bfloat16) and x.ndim == 4 and x.size(1) <= 512
        trains = torch.is_grad_enabled() and x.requires_grad
        return usual and trains and x.is_cpu and not torch.compiler.is_compiling()


class MaxUnpool(nn.Module):
    """Each value of `x` goes to where `whole`, a map (N, C, ...), has the largest value of its window; zeros elsewhere.

    Windows of `kernel_size` lie side by side: one, two or three spatial axes. Unlike `nn.MaxUnpool2d` its result is
    repeatable on any device.
    """

    def __init__(self, kernel_size: int | tuple[int, ...]) -> None:
        super().__init__()
        self.kernel_size = kernel_size

    def forward(self, x: Tensor, whole: Tensor) -> Tensor:
        pools = (nn.functional.max_pool1d, nn.functional.max_pool2d, nn.functional.max_pool3d)
        _, places = pools[x.ndim - 3](whole.detach(), self.kernel_size, return_indices=True)
        zeros = x.new_zeros(whole.shape).flatten(2)
        return zeros.scatter(2, places.flatten(2), x.flatten(2)).view(whole.shape)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}"


class DynamicTanh(nn.Module):
    """`weight * tanh(alpha * x) + bias`, with a weight and a bias per channel, those of the axis `dim`. Zhu et al.
    2025, "Transformers without Normalization"."""

    def __init__(self, num_features: int, init_alpha: float = 0.5, dim: int = 1) -> None:
        super().__init__()
        self.num_features = num_features
        self.init_alpha = init_alpha
        self.dim = dim
        self.alpha = nn.Parameter(torch.full((1,), float(init_alpha)))
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1, *[1] * (x.ndim - 1 - self.dim))
        return torch.tanh(self.alpha * x) * self.weight.view(shape) + self.bias.view(shape)

    def extra_repr(self) -> str:
        return f"{self.num_features}, init_alpha={self.init_alpha}, dim={self.dim}"


class Squareplus(nn.Module):
    """`(x + sqrt(x**2 + b)) / 2`. Barron 2021, "Squareplus: A Softplus-Like Algebraic Rectifier"."""

    def __init__(self, b: float = 4.0) -> None:
        super().__init__()
        self.b = b

    def forward(self, x: Tensor) -> Tensor:
        return x / 2 + torch.sqrt(x * x / 4 + self.b / 4)

    def extra_repr(self) -> str:
        return f"b={self.b}"


class Snake(nn.Module):
    """`x + sin(alpha * x)**2 / alpha`, with an alpha per channel. Ziyin et al. 2020, arXiv:2006.08195."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features
        self.alpha = nn.Parameter(torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        alpha = self.alpha.view(-1, *[1] * (x.ndim - 2))
        return x + torch.sin(alpha * x).square() / alpha

    def extra_repr(self) -> str:
        return f"{self.num_features}"


class GlobalResponseNorm(nn.Module):
    """`x + weight * (x * n) + bias` for a map (N, C, ...): `n` is the norm of a channel's map, divided by the mean norm
    of the channels. Woo et al. 2023, "ConvNeXt V2"."""

    def __init__(self, num_features: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x: Tensor) -> Tensor:
        norms: Tensor = torch.linalg.vector_norm(x, dim=tuple(range(2, x.ndim)), keepdim=True)
        shares = norms / (norms.mean(dim=1, keepdim=True) + self.eps)
        shape = (-1, *[1] * (x.ndim - 2))
        return x + self.weight.view(shape) * (x * shares) + self.bias.view(shape)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}"


class StochasticDepth(nn.Module):
    """Zeroes the branch of each sample (`row`), or of all together (`batch`), with probability `p` in
    training; what is left is scaled by 1 / (1 - p). Huang et al. 2016."""

    def __init__(self, p: float, mode: str = "row") -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        kept = 1.0 - self.p
        size = [x.size(0) if self.mode == "row" else 1] + [1] * (x.ndim - 1)
        mask = torch.empty(size, dtype=x.dtype, device=x.device).bernoulli_(kept)
        if kept > 0.0:
            mask.div_(kept)
        return x * mask

    def extra_repr(self) -> str:
        return f"p={self.p}, mode={self.mode!r}"


class Attention(nn.Module):
    """Scaled dot-product attention (Vaswani et al. 2017, section 3.2.1) of (N, …, tokens, features).

    With `num_heads` the features are divided into heads, which are joined again; without it an axis of heads stands
    before the tokens. Without a key the first input holds query, key and value along its features. A bias, which may
    have fewer axes after its batch axis, is added to the scores. Axes before the heads, such as windows, join the
    heads if the bias has them, else the batch: PyTorch's kernels take four axes.
    """

    def __init__(
        self, num_heads: int | None = None, scale: float | None = None, is_causal: bool = False
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.scale = scale
        self.is_causal = is_causal

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        bias: Tensor | None = None,
    ) -> Tensor:
        if key is None or value is None:
            query, key, value = query.chunk(3, -1)
        parts = [query, key, value]
        if self.num_heads is not None:
            parts = [
                torch.unflatten(part, -1, (self.num_heads, -1)).transpose(-2, -3) for part in parts
            ]
        lead, heads = parts[0].shape[1:-3], parts[0].size(-3)
        joins_heads = False
        if bias is not None:
            bias = bias.reshape(bias.size(0), *[1] * (parts[0].ndim - bias.ndim), *bias.shape[1:])
            joins_heads = len(lead) > 0 and (bias.size(0) > 1 or max(bias.shape[1:-3]) > 1)
            if joins_heads:
                bias = bias.expand(-1, *lead, heads, -1, -1).flatten(1, -3)
            elif lead:
                bias = bias.flatten(0, -4)
        if lead:
            parts = [part.flatten(1, -3) if joins_heads else part.flatten(0, -4) for part in parts]
        query, key, value = parts
        attend = nn.functional.scaled_dot_product_attention
        x = attend(query, key, value, bias, is_causal=self.is_causal, scale=self.scale)
        if joins_heads:
            x = torch.unflatten(x, 1, (*lead, heads))
        elif lead:
            x = torch.unflatten(x, 0, (-1, *lead))
        return x if self.num_heads is None else x.transpose(-2, -3).flatten(-2)

    def extra_repr(self) -> str:
        return f"num_heads={self.num_heads}, scale={self.scale}, is_causal={self.is_causal}"
