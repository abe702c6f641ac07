"""How often numbers occur."""

from __future__ import annotations

import torch
from torch import Tensor


def count_values(values: Tensor, num: int) -> Tensor:
    """How often each of 0..num - 1 occurs, float64 (num,). No value may be larger.

    On a GPU `torch.bincount` makes the host wait, to see the largest value. Whole numbers are added here: their sum
    is the same in any order.
    """
    if values.is_cpu:
        return torch.bincount(values, minlength=num).double()
    counts = torch.zeros(num, dtype=torch.int64, device=values.device)
    return counts.scatter_add_(0, values, torch.ones_like(values)).double()
