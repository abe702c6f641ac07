"""Traced norms, quotients, powers and bounds; tensors that are made of the batch size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import specgraph
from specgraph.errors import CommandError

Call = Callable[[Tensor], Any]


class Holder(nn.Module):
    """Computes what a test says."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.call = call

    def forward(self, x: Tensor) -> Any:
        """Of (N, 6, 8)."""
        return self.call(x)


CALLS: dict[str, tuple[Call, list[str]]] = {
    "normalize": (lambda x: F.normalize(x, dim=-1), ["normalize"]),
    "normalize by sums": (lambda x: F.normalize(x, p=1.0, dim=1, eps=1e-3), ["normalize"]),
    "norm": (lambda x: x.norm(dim=2, keepdim=True) + x, ["mul", "mean", "affine", "sqrt", "add"]),
    "sum of absolute values": (
        lambda x: torch.linalg.vector_norm(x, ord=1, dim=(1,), keepdim=True) * x,
        ["abs", "mean", "affine", "mul"],
    ),
    "quotient": (lambda x: x / (x * x + 1), ["mul", "affine", "reciprocal", "mul"]),
    "quotient that is repeated": (
        lambda x: x.mean(1, keepdim=True) / (x.abs() + 1),
        ["mean", "abs", "affine", "reciprocal", "mul"],
    ),
    "third power": (lambda x: x**3, ["mul"]),
    "root": (lambda x: (x * x) ** 0.5, ["mul", "sqrt"]),
    "inverse": (lambda x: (x * x + 1) ** -1, ["mul", "affine", "reciprocal"]),
    "inverse root": (lambda x: (x * x + 1).rsqrt(), ["mul", "affine", "sqrt", "reciprocal"]),
    "power": (lambda x: (x * x) ** 1.7, ["mul", "log", "affine", "exp"]),
    "bounds": (lambda x: x.clamp_min(0.1).clamp_max(0.5), ["clamp", "clamp"]),
    "made for each sample": (lambda x: x + torch.ones(x.size(0), 6, 8).cumsum(1), ["parameter", "add"]),
}


@pytest.mark.parametrize("name", CALLS)
def test_comes_in_equal(name: str) -> None:
    call, wanted = CALLS[name]
    module = Holder(call).eval()
    imported = specgraph.from_module(module, torch.randn(2, 6, 8))
    assert [node.op for node in imported.graph().nodes.values()] == wanted
    for batch in (2, 3):
        x = torch.randn(batch, 6, 8)
        torch.testing.assert_close(imported.module()(x), module(x), rtol=1e-5, atol=1e-5)


REFUSED: dict[str, tuple[Call, str]] = {
    "norm over the batch": (lambda x: x / x.norm(dim=0), "norm over the batch"),
    "norm of all": (lambda x: x / x.norm(), "norm over the batch|batch"),
    "largest norm": (lambda x: torch.linalg.vector_norm(x, ord=float("inf"), dim=2), "a norm of order inf"),
    "other samples": (lambda x: x + torch.ones(x.size(0), 6, 8).cumsum(0), "made of the batch size"),
    "number of samples": (lambda x: x / torch.ones(x.size(0)).sum(), "made of the batch size"),
    "over 0": (lambda x: x / 0, "dividing by 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_with_reason(name: str) -> None:
    call, reason = REFUSED[name]
    with pytest.raises(CommandError, match=reason):
        specgraph.from_module(Holder(call).eval(), torch.randn(2, 6, 8))
