"""The oracle: every op as plain PyTorch calls, written from PyTorch's documentation.

It knows nothing of specgraph's shape rules and lowerings. `build` makes the module of one node for
given inputs; building or running it raises exactly where PyTorch does. Arguments are those of the
language, in their written form. Tensors are (N, ...), on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import StochasticDepth as TorchvisionStochasticDepth

Labels = tuple[str, ...]
SPATIAL: dict[int, Labels] = {0: (), 1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}


class Call(nn.Module):
    """A pure function as a module, with an inner module whose parameters are the node's own."""

    def __init__(self, function: Callable[..., Tensor], inner: nn.Module | None = None) -> None:
        super().__init__()
        self.function = function
        self.inner = inner

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)

    def own_state(self) -> dict[str, Tensor]:
        """Parameters and buffers under the names the node gives them."""
        return dict(self.inner.state_dict()) if self.inner is not None else {}


class Scale(nn.Module):
    """A bare parameter of ones times `value`; it has no name of its own."""

    def __init__(self, shape: tuple[int, ...], value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full(shape, float(value)))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight

    def own_state(self) -> dict[str, Tensor]:
        """One parameter with an empty name."""
        return {"": self.weight.data}


def own_state(module: nn.Module) -> dict[str, Tensor]:
    """State of one node's module, by the names behind the node's path."""
    if isinstance(module, Call | Scale):
        return module.own_state()
    return dict(module.state_dict())


def spatial_rank(x: Tensor, least: int = 1) -> int:
    """1, 2 or 3: PyTorch has modules for no other number of spatial axes."""
    rank = x.ndim - 2
    if not least <= rank <= 3:
        raise RuntimeError(f"there is no module for {rank} spatial axes")
    return rank


def of_rank(name: str, x: Tensor) -> Any:
    """`nn.Conv2d` for `Conv` and a tensor of two spatial axes."""
    return getattr(nn, f"{name}{spatial_rank(x)}d")


def sides(padding: Any, rank: int) -> list[tuple[int, int]]:
    """Padding as (before, after) per axis."""
    if not isinstance(padding, list):
        return [(padding, padding)] * rank
    if len(padding) != rank:
        raise ValueError("wrong number of paddings")
    return [(pad[0], pad[1]) if isinstance(pad, list) else (pad, pad) for pad in padding]


def is_even(padding: Any) -> bool:
    """Whether both sides of every axis are padded alike."""
    return not isinstance(padding, list) or all(not isinstance(p, list) or p[0] == p[1] for p in padding)


def even(padding: Any) -> Any:
    """Even padding as PyTorch takes it."""
    if not isinstance(padding, list):
        return padding
    return tuple(p[0] if isinstance(p, list) else p for p in padding)


def amount(value: Any) -> Any:
    """A list as the tuple PyTorch documents."""
    return tuple(value) if isinstance(value, list) else value


def last_first(pairs: list[tuple[int, int]]) -> list[int]:
    """(before, after) pairs in the order of `F.pad`."""
    return [size for pair in reversed(pairs) for size in pair]


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
        return cls(channels, out_channels, amount(kernel_size), *rest, padding_mode)  # type: ignore[no-any-return]
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
        return build(even(padding))  # type: ignore[no-any-return]
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
        return cls(amount(kernel_size), step, even(padding), spread, ceil_mode=ceil_mode)  # type: ignore[no-any-return]
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
        return cls(amount(kernel_size), amount(stride), pad, count_include_pad=count_include_pad, **options)  # type: ignore[no-any-return]
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
    return cls(_kept_if_null(output_size, x))  # type: ignore[no-any-return]


def adaptive_max_pool(x: Tensor, *, output_size: Any) -> nn.Module:
    cls = of_rank("AdaptiveMaxPool", x)
    return cls(_kept_if_null(output_size, x))  # type: ignore[no-any-return]


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


def lrn(x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> nn.Module:
    spatial_rank(x)
    module = nn.LocalResponseNorm(size, alpha, beta, k)
    return Call(lambda x: module(x.contiguous()))  # its refusal of strided memory says nothing of shapes


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
    return cls(x.shape[1] if num_features is None else num_features, eps, momentum, affine, track_running_stats)  # type: ignore[no-any-return]


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
    return cls(x.shape[1] if num_features is None else num_features, eps, momentum, affine, track_running_stats)  # type: ignore[no-any-return]


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
    return nn.Dropout(p) if mode == "element" else of_rank("Dropout", x)(p)  # type: ignore[no-any-return]


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


def mul(x: Tensor, y: Tensor, *more: Tensor) -> nn.Module:
    def run(first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = first * other
        return first

    return Call(run)


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


def activation(cls: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """A module that takes its arguments as they are and any one tensor."""

    def build(x: Tensor, **arguments: Any) -> nn.Module:
        return cls(**arguments)

    return build


BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "adaptive_avg_pool": adaptive_avg_pool,
    "adaptive_max_pool": adaptive_max_pool,
    "global_avg_pool": global_avg_pool,
    "global_max_pool": global_max_pool,
    "upsample": upsample,
    "lrn": lrn,
    "batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "group_norm": group_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "relu": activation(lambda: nn.ReLU()),
    "relu6": activation(lambda: nn.ReLU6()),
    "leaky_relu": activation(lambda negative_slope=0.01: nn.LeakyReLU(negative_slope)),
    "prelu": activation(lambda num_parameters=1: nn.PReLU(num_parameters)),
    "elu": activation(lambda alpha=1.0: nn.ELU(alpha)),
    "celu": activation(lambda alpha=1.0: nn.CELU(alpha)),
    "softsign": activation(nn.Softsign),
    "sigmoid": activation(nn.Sigmoid),
    "tanh": activation(nn.Tanh),
    "silu": activation(lambda: nn.SiLU()),
    "gelu": activation(nn.GELU),
    "hardswish": activation(lambda: nn.Hardswish()),
    "hardsigmoid": activation(lambda: nn.Hardsigmoid()),
    "hardtanh": activation(lambda min_val=-1.0, max_val=1.0: nn.Hardtanh(min_val, max_val)),
    "softplus": activation(nn.Softplus),
    "mish": activation(lambda: nn.Mish()),
    "softmax": softmax,
    "log_softmax": log_softmax,
    "glu": glu,
    "linear": linear,
    "dropout": dropout,
    "flatten": flatten,
    "concat": concat,
    "add": add,
    "sub": sub,
    "mul": mul,
    "pad": pad,
    "slice": slice_,
    "reshape": reshape,
    "permute": permute,
    "channel_shuffle": channel_shuffle,
    "pixel_shuffle": pixel_shuffle,
    "mean": mean,
    "identity": identity,
    "stochastic_depth": stochastic_depth,
    "layer_scale": layer_scale,
}


def build(op: str, inputs: list[Tensor], labels: list[Labels], arguments: dict[str, Any]) -> nn.Module:
    """The node's module in eval mode with random parameters. Raises whatever PyTorch raises."""
    extra = {"labels": labels[0]} if op == "layer_scale" else {}
    module = BUILDERS[op](*inputs, **arguments, **extra).eval()
    with torch.no_grad():
        for name, tensor in own_state(module).items():
            if name == "running_var":
                tensor.uniform_(0.5, 1.5)
            elif tensor.is_floating_point():
                tensor.add_(torch.randn_like(tensor), alpha=0.2)
    return module


IMAGE_OPS = {"conv", "conv_transpose"}


def image_labels(rank: int) -> Labels:
    """What the axes of an input mean, the batch axis aside."""
    return ("F",) if rank == 1 else ("C", *SPATIAL[rank - 1])


def output_labels(op: str, arguments: dict[str, Any], labels: list[Labels], output: Tensor) -> Labels:
    """What the axes of an output mean, as the language says: moved by `permute`, lost by `reshape`."""
    first = labels[0]
    rank = output.ndim - 1
    if op in IMAGE_OPS:
        return image_labels(rank)
    if op == "reshape":
        return ("F",) if rank == 1 else ("",) * rank
    if op == "permute":
        axes = [axis % output.ndim for axis in arguments["dims"][1:]]
        return tuple(first[axis - 1] for axis in axes)
    if op == "mean" and not arguments.get("keepdim", False):
        dims = arguments["dim"] if isinstance(arguments["dim"], list) else [arguments["dim"]]
        gone = {dim % (len(first) + 1) for dim in dims}
        kept = tuple(label for axis, label in enumerate(first, 1) if axis not in gone)
        return ("F",) if len(kept) == 1 else kept
    if op == "flatten":
        start = arguments.get("start_dim", 1) % (len(first) + 1)
        end = arguments.get("end_dim", -1) % (len(first) + 1)
        if start == end:
            return first
        return ("F",) if rank == 1 else (*first[: start - 1], "", *first[end:])
    if op in ("concat", "add", "sub", "mul"):
        return tuple(names[0] if len(set(names)) == 1 else "" for names in zip(*labels, strict=True))
    return first
