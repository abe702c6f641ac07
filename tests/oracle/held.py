"""The oracle's tensors that a network holds itself, with a batch axis of 1 in front when it runs."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Held(nn.Module):
    """A tensor without a name of its own."""

    def __init__(self, stored: Tensor, *, batch_axis: bool, is_kept: bool) -> None:
        super().__init__()
        self.tensor = stored
        self.batch_axis = batch_axis
        self.is_kept = is_kept

    def forward(self) -> Tensor:
        return self.tensor if self.batch_axis else self.tensor[None]

    def own_state(self) -> dict[str, Tensor]:
        return {"": self.tensor.data} if self.is_kept else {}


def parameter(*, shape: list[int], batch_axis: bool = False) -> nn.Module:
    return Held(nn.Parameter(torch.zeros([1] * batch_axis + shape)), batch_axis=batch_axis, is_kept=True)


def constant(
    *, value: float | list[float], shape: list[int] | None = None, batch_axis: bool = False, persistent: bool = True
) -> nn.Module:
    numbers = torch.tensor(value, dtype=torch.float32)
    sizes = shape if shape is not None else [numbers.numel()]
    filled = numbers.reshape(sizes) if isinstance(value, list) else numbers.expand(sizes).clone()
    return Held(filled[None] if batch_axis else filled, batch_axis=batch_axis, is_kept=persistent)
