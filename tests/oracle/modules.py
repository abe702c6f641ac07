"""What the oracle builds modules from: functions and bare parameters as modules, arguments as PyTorch takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


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


class Learned(nn.Module):
    """A function of one input and of the parameters of these names and first values."""

    def __init__(self, function: Callable[..., Tensor], **parameters: Tensor) -> None:
        super().__init__()
        self.function = function
        for name, value in parameters.items():
            self.register_parameter(name, nn.Parameter(value))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, **dict(self.named_parameters()))


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
    own = getattr(module, "own_state", None)
    return own() if own is not None else dict(module.state_dict())


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
