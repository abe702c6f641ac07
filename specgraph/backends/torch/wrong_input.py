"""What is wrong with the arguments of a failed call of a compiled network, and what to write instead.

Nothing here runs unless a call has failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import torch
from torch import Tensor

Dims = tuple[int | str, ...]
"""Sizes without the batch axis; a free size has its symbol."""


def explain(inputs: tuple[tuple[str, Dims], ...], args: tuple[Any, ...], weight: Tensor | None) -> str | None:
    """What does not fit, or None where all arguments are what the network takes. `weight` is one of its
    floating-point parameters, whose type and device the arguments must have."""
    for (name, dims), value in zip(inputs, args, strict=False):
        found = _explain(name, dims, value, weight)
        if found is not None:
            return found
    return None


def _explain(name: str, dims: Dims, value: Any, weight: Tensor | None) -> str | None:
    expected = _shown(("N", *dims))
    if not isinstance(value, Tensor):
        is_array = type(value).__module__ == "numpy" and hasattr(value, "shape")
        make = "torch.from_numpy(x)" if is_array else "torch.as_tensor(x)"
        return f"{name} is a {_type_name(value)}, expected a tensor {expected}: {make} makes one"
    shape = tuple(value.shape)
    if not fits(shape, dims):
        cure = next(_cures(shape, dims), None)
        return f"{name} is {_shown(shape)}, expected {expected}" + (f": {cure}" if cure else "")
    if weight is None:
        return None
    if value.dtype != weight.dtype and not (value.is_floating_point() and torch.is_autocast_enabled(value.device.type)):
        wanted = str(weight.dtype).removeprefix("torch.")
        scaled = " / 255" if value.dtype == torch.uint8 else ""
        convert = "x.float()" if weight.dtype == torch.float32 else f"x.to({weight.dtype})"
        return f"{name} is {str(value.dtype).removeprefix('torch.')}, expected {wanted}: {convert}{scaled} converts it"
    if value.device != weight.device:
        return f"{name} is on {value.device}, the weights are on {weight.device}: x.to('{weight.device}') moves it"
    return None


def fits(shape: tuple[int, ...], dims: Dims) -> bool:
    """Whether a tensor of this shape, batch axis first, is an input of these sizes."""
    same = all(isinstance(dim, str) or size == dim for size, dim in zip(shape[1:], dims, strict=False))
    return len(shape) == len(dims) + 1 and same


def _cures(shape: tuple[int, ...], dims: Dims) -> Iterator[str]:
    """Expressions of `x` that fit, the likeliest first."""
    rank = len(dims)
    if fits((1, *shape), dims):
        yield "x[None] adds the batch axis"
    if rank > 1:
        yield from _channel_cures(shape, dims)
    if rank == 1 and len(shape) > 2 and fits((shape[0], prod(shape[1:])), dims):
        yield "x.flatten(1) makes it a vector"
    sizes = dims[1:]
    if len(shape) == rank + 1 and rank > 1 and fits(shape[:2], dims[:1]) and not any(isinstance(s, str) for s in sizes):
        yield f"torch.nn.functional.interpolate(x, {_shown(sizes)}) resizes it"


def _channel_cures(shape: tuple[int, ...], dims: Dims) -> Iterator[str]:
    """Expressions that bring the channels where they belong, or to the right number."""
    rank, channels = len(dims), dims[0]
    if len(shape) == rank + 1 and fits((shape[0], shape[-1], *shape[1:-1]), dims):
        yield f"x.permute{_shown((0, rank, *range(1, rank)))} puts the channels first"
    if len(shape) == rank and fits((1, shape[-1], *shape[:-1]), dims):
        order = _shown((rank - 1, *range(rank - 1)))
        yield f"x.permute{order}[None] puts the channels first and adds the batch axis"
    if channels == 1 and fits((*shape[:1], 1, *shape[1:]), dims):
        yield "x[:, None] adds the channel axis"
    if channels == 1 and fits((1, 1, *shape), dims):
        yield "x[None, None] adds the batch axis and the channel axis"
    if len(shape) == rank + 1 and isinstance(channels, int) and fits((shape[0], channels, *shape[2:]), dims):
        if shape[1] == 1:
            yield f"x.expand{_shown((-1, channels, *[-1] * (rank - 1)))} repeats the grey channel"
        elif channels == 1 and shape[1] == 3:
            yield "x.mean(1, keepdim=True) makes it grey"


def _shown(sizes: tuple[int | str, ...]) -> str:
    """`(N, 3, 32, 32)`."""
    return f"({', '.join(map(str, sizes))}{',' * (len(sizes) == 1)})"


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
