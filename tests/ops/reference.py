"""What PyTorch itself does with an op's arguments as the author writes them.

Written apart from the lowerings: plain calls of `torch.nn.functional` with the arguments as given,
windows with uneven padding by brute force. `reference` raises where PyTorch does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Reference = Callable[..., Tensor]


class Unsupported(Exception):
    """PyTorch has no module for this number of axes."""


def spatial(x: Tensor) -> int:
    """Number of spatial axes. Raises where PyTorch has no module of that dimension (or would take
    the batch axis for the channels)."""
    rank = x.ndim - 2
    if not 1 <= rank <= 3:
        raise Unsupported(f"{rank} spatial axes")
    return rank


def expanded(value: Any, rank: int) -> tuple[Any, ...]:
    """One value per axis. Raises where there are too many or too few."""
    if not isinstance(value, (list, tuple)):
        return (value,) * rank
    if len(value) != rank:
        raise Unsupported("wrong number of values")
    return tuple(value)


def pairs(padding: Any, rank: int) -> list[tuple[int, int]]:
    return [tuple(p) if isinstance(p, (list, tuple)) else (p, p) for p in expanded(padding, rank)]


def pad_list(padding: list[tuple[int, int]]) -> list[int]:
    return [amount for pair in reversed(padding) for amount in pair]


def conv(x: Tensor, state: dict[str, Tensor], **a: Any) -> Tensor:
    rank = spatial(x)
    out, kernel, groups = a["out_channels"], expanded(a["kernel_size"], rank), a.get("groups", 1)
    stride, dilation = expanded(a.get("stride", 1), rank), expanded(a.get("dilation", 1), rank)
    in_channels = a.get("in_channels", x.size(1))
    module_type = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
    padding: Any = a.get("padding", 0)
    mode = a.get("padding_mode", "zeros")
    if padding != "same":
        sides = pairs(padding, rank)
        if all(before == after for before, after in sides):
            padding = tuple(before for before, _ in sides)
        else:
            x = F.pad(x, pad_list(sides), mode="constant" if mode == "zeros" else mode)
            padding, mode = 0, "zeros"
    module = module_type(
        in_channels, out, kernel, stride, padding, dilation, groups, a.get("bias", True), padding_mode=mode
    )
    return load(module, state)(x)


def conv_transpose(x: Tensor, state: dict[str, Tensor], **a: Any) -> Tensor:
    rank = spatial(x)
    sides = pairs(a.get("padding", 0), rank)
    even = all(before == after for before, after in sides)
    module_type = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[rank - 1]
    module = module_type(
        a.get("in_channels", x.size(1)),
        a["out_channels"],
        expanded(a["kernel_size"], rank),
        expanded(a.get("stride", 1), rank),
        tuple(before for before, _ in sides) if even else 0,
        expanded(a.get("output_padding", 0), rank),
        a.get("groups", 1),
        a.get("bias", True),
        expanded(a.get("dilation", 1), rank),
    )
    y: Tensor = load(module, state)(x)
    if not even:
        for axis, (before, after) in enumerate(sides, 2):
            y = y.narrow(axis, before, y.size(axis) - before - after)
    return y


def pool(x: Tensor, kind: str, **a: Any) -> Tensor:
    rank = spatial(x)
    kernel = expanded(a["kernel_size"], rank)
    stride = expanded(a.get("stride", kernel), rank)
    sides = pairs(a.get("padding", 0), rank)
    ceil_mode = a.get("ceil_mode", False)
    dilation = expanded(a.get("dilation", 1), rank)
    if kind == "avg" and rank == 1 and a.get("divisor_override") is not None:
        raise Unsupported("AvgPool1d has no divisor_override")
    if kind == "avg" and rank == 3 and any(size < k for size, k in zip(x.shape[2:], kernel, strict=True)):
        raise RuntimeError("input image smaller than kernel size")
    if any(before != after for before, after in sides):
        return windows(x, kind, kernel, stride, sides, dilation, ceil_mode, a)
    padding = tuple(before for before, _ in sides)
    if kind == "max":
        module_type: Any = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[rank - 1]
        module = module_type(kernel, stride, padding, dilation=dilation, ceil_mode=ceil_mode)
    else:
        module_type = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)[rank - 1]
        kwargs = {"divisor_override": a["divisor_override"]} if a.get("divisor_override") is not None else {}
        module = module_type(kernel, stride, padding, ceil_mode, a.get("count_include_pad", True), **kwargs)
    found: Tensor = module(x)
    return found


def windows(
    x: Tensor,
    kind: str,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    sides: list[tuple[int, int]],
    dilation: tuple[int, ...],
    ceil_mode: bool,
    a: dict[str, Any],
) -> Tensor:
    """Pooling with uneven padding, window by window; PyTorch's own rules where it has any."""
    starts: list[range] = []
    for axis, (k, s, d, (before, after)) in enumerate(zip(kernel, stride, dilation, sides, strict=True)):
        if max(before, after) > k // 2:
            raise RuntimeError("pad should be at most half of kernel size")
        size = x.size(axis + 2)
        first, last = -before, size + after - (d * (k - 1) + 1)
        found = range(first, last + 1, s)
        if ceil_mode and (last - first) % s:
            found = range(first, last + s, s)
        starts.append([start for start in found if start < size])  # type: ignore[arg-type]
        if not starts[-1]:
            raise RuntimeError("output size is too small")
    y = torch.empty(*x.shape[:2], *(len(found) for found in starts))
    for place in product(*(range(len(found)) for found in starts)):
        values, count = [], 0
        corner = [starts[axis][index] for axis, index in enumerate(place)]
        for offset in product(*(range(k) for k in kernel)):
            at = [c + o * d for c, o, d in zip(corner, offset, dilation, strict=True)]
            extents = zip(at, x.shape[2:], sides, strict=True)
            count += all(-before <= i < size + after for i, size, (before, after) in extents)
            if all(0 <= i < size for i, size in zip(at, x.shape[2:], strict=True)):
                values.append(x[(slice(None), slice(None), *at)])
        stack = torch.stack(values or [torch.full(x.shape[:2], float("-inf"))])
        if kind == "max":
            y[(slice(None), slice(None), *place)] = stack.amax(0)
        else:
            divisor = count if a.get("count_include_pad", True) else len(values)
            y[(slice(None), slice(None), *place)] = stack.sum(0) / (a.get("divisor_override") or divisor)
    return y


def adaptive(x: Tensor, kind: str, output_size: Any) -> Tensor:
    rank = spatial(x)
    sizes = [size if size is not None else x.size(axis) for axis, size in enumerate(expanded(output_size, rank), 2)]
    function = getattr(F, f"adaptive_{kind}_pool{rank}d")
    found: Tensor = function(x, sizes)
    return found


def upsample(x: Tensor, **a: Any) -> Tensor:
    rank = spatial(x)
    size, scale = a.get("size"), a.get("scale_factor")
    return F.interpolate(
        x,
        None if size is None else list(expanded(size, rank)),
        None if scale is None else list(expanded(scale, rank)),
        a.get("mode", "nearest"),
        a.get("align_corners"),
    )


def batch_norm(x: Tensor, state: dict[str, Tensor], **a: Any) -> Tensor:
    rank = x.ndim - 2
    if rank > 3:
        raise Unsupported("rank")
    module_type = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[rank]
    features = a.pop("num_features", x.size(1))
    if features != x.size(1):
        raise ValueError("PyTorch does not notice without parameters and statistics")
    return load(module_type(features, **a), state)(x)


def instance_norm(x: Tensor, state: dict[str, Tensor], **a: Any) -> Tensor:
    rank = spatial(x)
    if x[0, 0].numel() == 1:
        raise ValueError("Expected more than 1 spatial element when training")
    module_type = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)[rank - 1]
    features = a.pop("num_features", x.size(1))
    if features != x.size(1):
        raise ValueError("PyTorch only warns")
    return load(module_type(features, **a), state)(x)


def group_norm(x: Tensor, state: dict[str, Tensor], **a: Any) -> Tensor:
    groups, channels = a.pop("num_groups"), a.pop("num_channels", x.size(1))
    if channels != x.size(1):
        raise ValueError("PyTorch notices only with affine")
    if x[0].numel() == groups:
        raise ValueError("PyTorch notices only at a batch of one")
    return load(nn.GroupNorm(groups, channels, **a), state)(x)


def layer_norm(x: Tensor, state: dict[str, Tensor], axes: Any = None, **a: Any) -> Tensor:
    axes = [-1] if axes is None else axes
    found = sorted(axis % x.ndim if -x.ndim <= axis < x.ndim else 99 for axis in axes)
    if len(set(found)) < len(found) or 0 in found or 99 in found:
        raise Unsupported("axes")
    sizes = [x.size(axis) for axis in found]
    module = load(nn.LayerNorm(sizes, **a), state)
    if found == list(range(x.ndim - len(found), x.ndim)):
        return module(x)
    if found != [1]:
        raise Unsupported("axes")
    return module(x.transpose(1, -1)).transpose(1, -1)


def rms_norm(x: Tensor, state: dict[str, Tensor], axes: Any = None, **a: Any) -> Tensor:
    axes = [-1] if axes is None else axes
    found = sorted(axis % x.ndim if -x.ndim <= axis < x.ndim else 99 for axis in axes)
    if len(set(found)) < len(found) or 0 in found or 99 in found:
        raise Unsupported("axes")
    module = load(nn.RMSNorm([x.size(axis) for axis in found], **a), state)
    if found == list(range(x.ndim - len(found), x.ndim)):
        return module(x)
    if found != [1]:
        raise Unsupported("axes")
    return module(x.transpose(1, -1)).transpose(1, -1)


def linear(x: Tensor, state: dict[str, Tensor], **a: Any) -> Tensor:
    module = nn.Linear(a.get("in_features", x.size(-1)), a["out_features"], a.get("bias", True))
    return load(module, state)(x)


def prelu(x: Tensor, state: dict[str, Tensor], num_parameters: int = 1) -> Tensor:
    return load(nn.PReLU(num_parameters), state)(x)


def hardtanh(x: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    return nn.Hardtanh(min_val, max_val)(x)


def dropout(x: Tensor, p: float = 0.5, mode: str = "element") -> Tensor:
    if mode == "channel":
        return (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)[spatial(x) - 1](p).eval()(x)
    return nn.Dropout(p).eval()(x)


def softmax(x: Tensor, dim: int = 1) -> Tensor:
    return inside(x, dim).softmax(dim)


def log_softmax(x: Tensor, dim: int = 1) -> Tensor:
    return inside(x, dim).log_softmax(dim)


def glu(x: Tensor, dim: int = 1) -> Tensor:
    return F.glu(inside(x, dim), dim)


def inside(x: Tensor, *dims: int) -> Tensor:
    """Refuses the batch axis, which is this project's own rule."""
    if any(dim in (0, -x.ndim) for dim in dims):
        raise Unsupported("batch axis")
    return x


def flatten(x: Tensor, start_dim: int = 1, end_dim: int = -1) -> Tensor:
    return torch.flatten(inside(x, start_dim, end_dim), start_dim, end_dim)


def concat(*x: Tensor, dim: int = 1) -> Tensor:
    return torch.cat([inside(one, dim) for one in x], dim)


def joined(combine: Callable[[Tensor, Tensor], Tensor]) -> Reference:
    def reference(*x: Tensor) -> Tensor:
        result = x[0]
        for other in x[1:]:
            if result.ndim != other.ndim:
                raise Unsupported("broadcasting over the batch axis")
            result = combine(result, other)
        return result

    return reference


def pad(x: Tensor, padding: Any = 0, channels: Any = (0, 0), mode: str = "constant", value: float = 0) -> Tensor:
    rank = x.ndim - 2
    if rank or padding:
        spatial(x)
    amounts = pad_list(pairs(padding, rank))
    if any(channels):
        if mode != "constant":
            raise Unsupported("channels")
        amounts += channels
    return F.pad(x, amounts, mode, value if mode == "constant" else None) if amounts else x


def sliced(x: Tensor, dim: int = 1, start: int = 0, stop: int | None = None, step: int = 1) -> Tensor:
    size = inside(x, dim).size(dim)
    found = x.index_select(dim, torch.arange(size)[start:stop:step])
    if not found.numel():
        raise Unsupported("empty")
    return found


def reshape(x: Tensor, shape: Any) -> Tensor:
    if 0 in shape:
        raise Unsupported("empty")
    return torch.stack([one.reshape(*shape) for one in x])


def permute(x: Tensor, dims: Any) -> Tensor:
    if dims[0] not in (0, -x.ndim):
        raise Unsupported("batch axis")
    return x.permute(*dims)


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    return F.channel_shuffle(x, groups)


def pixel_shuffle(x: Tensor, upscale_factor: int) -> Tensor:
    if x.ndim != 4:
        raise Unsupported("PyTorch would take any leading axes for batch axes")
    return F.pixel_shuffle(x, upscale_factor)


def mean(x: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    dims = list(dim) if isinstance(dim, (list, tuple)) else [dim]
    found = inside(x, *dims).mean(dims, keepdim)
    if found.ndim < 2:
        raise Unsupported("nothing left")
    return found


def layer_scale(x: Tensor, state: dict[str, Tensor], init_value: float = 1e-6) -> Tensor:
    return x * (state.get("", torch.ones(())) * 1.0)


def load(module: nn.Module, state: dict[str, Tensor]) -> nn.Module:
    """The module with these weights, in eval mode; names and shapes must be the same."""
    if state:
        module.load_state_dict(state)
    return module.eval()


def without_state(function: Callable[..., Tensor]) -> Reference:
    return lambda *x, state, **a: function(*x, **a)


def first_only(function: Callable[..., Tensor]) -> Reference:
    return lambda x, state, **a: function(x, state=state, **a)


REFERENCES: dict[str, Reference] = {
    "conv": first_only(conv),
    "conv_transpose": first_only(conv_transpose),
    "max_pool": without_state(lambda x, **a: pool(x, "max", **a)),
    "avg_pool": without_state(lambda x, **a: pool(x, "avg", **a)),
    "adaptive_avg_pool": without_state(lambda x, output_size: adaptive(x, "avg", output_size)),
    "adaptive_max_pool": without_state(lambda x, output_size: adaptive(x, "max", output_size)),
    "global_avg_pool": without_state(lambda x: x.mean(tuple(range(2, 2 + spatial(x))), True)),
    "global_max_pool": without_state(lambda x: x.amax(tuple(range(2, 2 + spatial(x))), True)),
    "upsample": without_state(upsample),
    "lrn": without_state(lambda x, **a: nn.LocalResponseNorm(**a)(x) if spatial(x) else x),
    "batch_norm": first_only(batch_norm),
    "layer_norm": first_only(layer_norm),
    "rms_norm": first_only(rms_norm),
    "group_norm": first_only(group_norm),
    "instance_norm": first_only(instance_norm),
    "relu": without_state(F.relu),
    "relu6": without_state(F.relu6),
    "leaky_relu": without_state(F.leaky_relu),
    "prelu": first_only(prelu),
    "elu": without_state(F.elu),
    "celu": without_state(F.celu),
    "sigmoid": without_state(torch.sigmoid),
    "tanh": without_state(torch.tanh),
    "silu": without_state(F.silu),
    "gelu": without_state(F.gelu),
    "hardswish": without_state(F.hardswish),
    "hardsigmoid": without_state(F.hardsigmoid),
    "hardtanh": without_state(hardtanh),
    "softplus": without_state(F.softplus),
    "softsign": without_state(F.softsign),
    "mish": without_state(F.mish),
    "softmax": without_state(softmax),
    "log_softmax": without_state(log_softmax),
    "glu": without_state(glu),
    "linear": first_only(linear),
    "dropout": without_state(dropout),
    "flatten": without_state(flatten),
    "concat": without_state(concat),
    "add": without_state(joined(torch.add)),
    "sub": without_state(joined(torch.sub)),
    "mul": without_state(joined(torch.mul)),
    "pad": without_state(pad),
    "slice": without_state(sliced),
    "reshape": without_state(reshape),
    "permute": without_state(permute),
    "channel_shuffle": without_state(channel_shuffle),
    "pixel_shuffle": without_state(pixel_shuffle),
    "mean": without_state(mean),
    "identity": without_state(lambda x: x),
    "stochastic_depth": without_state(lambda x, p, mode="row": x),
    "layer_scale": first_only(layer_scale),
}


def reference(op: str, inputs: Sequence[Tensor], arguments: dict[str, Any], state: dict[str, Tensor]) -> Tensor:
    """What PyTorch computes, or whatever it raises."""
    result = REFERENCES[op](*inputs, state=state, **arguments)
    if not result.numel():
        raise Unsupported("empty tensors are refused here")
    return result
