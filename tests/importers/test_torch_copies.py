"""Traced calls that fill, stack, repeat, gather, crop; norms with half of their parameters; regions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import specgraph
from specgraph.errors import CommandError

Call = Callable[["Holder", torch.Tensor], Any]


class Holder(nn.Module):
    """A convolution to 8 channels, and parameters that a call may use."""

    mean: torch.Tensor
    var: torch.Tensor
    places: torch.Tensor
    shuffled: torch.Tensor

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.call = call
        self.conv = nn.Conv2d(4, 8, 1)
        self.weight = nn.Parameter(torch.rand(8) + 0.5)
        self.bias = nn.Parameter(torch.randn(8))
        self.register_buffer("mean", torch.randn(8))
        self.register_buffer("var", torch.rand(8) + 0.5)
        self.register_buffer("places", torch.tensor([3, 1, 2, 0, 7, 6, 5]))
        self.register_buffer("shuffled", torch.arange(8).reshape(2, 4).T.flatten())

    def forward(self, x: torch.Tensor) -> Any:
        """Of (N, 4, H, W)."""
        return self.call(self, self.conv(x))


def _autocast_off(x: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", enabled=False):
        return x.float().relu() + 1


def _no_grad(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return x.relu()


CALLS: dict[str, tuple[Call, list[str]]] = {
    "zeros joined": (lambda m, x: torch.cat([x, torch.zeros_like(x)], 1), ["conv", "pad"]),
    "ones joined before": (lambda m, x: torch.cat([torch.ones_like(x[:, :1]), x, x], 1), ["conv", "concat", "pad"]),
    "zeros joined below": (lambda m, x: torch.cat([x, x.new_zeros(x.size(0), 8, 2, 8)], 2), ["conv", "pad"]),
    "zeros added": (lambda m, x: x + torch.zeros_like(x), ["conv"]),
    "windows as columns": (
        lambda m, x: F.unfold(x, (2, 3), padding=1, stride=2),
        ["conv", "unfold"],
    ),
    "columns as a map": (
        lambda m, x: F.fold(F.unfold(x, 3, dilation=2, padding=1), x.shape[2:], 3, dilation=2, padding=1),
        ["conv", "unfold", "fold"],
    ),
    "windows along an axis": (lambda m, x: x.unfold(2, 3, 2), []),
    "windows along the last axis": (lambda m, x: x.unfold(-1, 4, 1), []),
    "windows along channels": (lambda m, x: x.unfold(1, 5, 3).sum(-1), []),
    "windows along both axes": (lambda m, x: x.unfold(2, 4, 2).unfold(3, 3, 1).flatten(-2), []),
    "larger of two": (lambda m, x: torch.maximum(x, x.tanh()), ["conv", "tanh", "maximum"]),
    "smaller of two": (lambda m, x: torch.min(x.mean((2, 3), keepdim=True), x), []),
    "larger of two by max": (lambda m, x: torch.max(x.tanh(), x), ["conv", "tanh", "maximum"]),
    "larger than parameters": (lambda m, x: torch.maximum(m.bias[:, None, None], x), ["conv", "parameter", "maximum"]),
    "smaller than zeros": (lambda m, x: torch.minimum(x, torch.zeros_like(x)), ["conv", "clamp"]),
    "copies of an axis": (lambda m, x: x.mean(2, keepdim=True).expand(-1, -1, 100, -1), ["conv", "mean", "expand"]),
    "nothing joined": (lambda m, x: torch.cat([x[:, :0], x.relu(), x[:, 8:]], 1), ["conv", "relu"]),
    "nothing joined to two": (lambda m, x: torch.cat([x, x[:, :, :0], x], 2), ["conv", "concat"]),
    "stack and sum": (lambda m, x: torch.stack([x, x.relu(), x.tanh()]).sum(0), ["conv", "relu", "tanh", "add"]),
    "stack and mean": (lambda m, x: torch.stack([x, x.relu()]).mean(dim=0), ["conv", "relu", "add", "affine"]),
    "stack and pick": (lambda m, x: torch.stack([x, x.relu()])[1], ["conv", "relu"]),
    "unbind": (lambda m, x: x.unbind(1)[2] + x.unbind(1)[0], []),
    "expand_as of a cell": (lambda m, x: x.mean((2, 3), keepdim=True).expand_as(x).relu(), []),
    "expand of one channel": (lambda m, x: x.mean(1, keepdim=True).expand(-1, 8, -1, -1).relu(), []),
    "repeat": (lambda m, x: x.repeat(1, 3, 1, 2), ["conv", "concat", "concat"]),
    "index_select": (lambda m, x: torch.index_select(x, 1, m.places), []),
    "index, a run": (lambda m, x: x[:, m.places[4:]], []),
    "index, alternating": (lambda m, x: x[:, m.shuffled[::2]], []),
    "index, shuffled": (lambda m, x: x[:, m.shuffled], ["conv", "channel_shuffle"]),
    "pad below zero": (lambda m, x: F.pad(x, [-1, 1, 2, -1]), ["conv", "slice", "slice", "pad"]),
    "pad with batch entries": (lambda m, x: F.pad(x, [0, 0, 0, 0, 1, 2, 0, 0]), ["conv", "pad"]),
    "infinite pad, pooled": (
        lambda m, x: F.max_pool2d(F.pad(x, [0, 1, 0, 1], value=float("-inf")), 3, 2),
        ["conv", "max_pool"],
    ),
    "infinite pad, wide": (
        lambda m, x: F.max_pool2d(F.pad(x, [0, 2, 0, 2], value=float("-inf")), 3, 2),
        ["conv", "pad", "max_pool"],
    ),
    "batch norm, bias alone": (lambda m, x: F.batch_norm(x, m.mean, m.var, None, m.bias), ["conv", "batch_norm"]),
    "batch norm, weight alone": (lambda m, x: F.batch_norm(x, m.mean, m.var, m.weight), ["conv", "batch_norm"]),
    "group norm, bias alone": (lambda m, x: F.group_norm(x, 2, None, m.bias), ["conv", "group_norm"]),
    "group norm, weight alone": (lambda m, x: F.group_norm(x, 2, m.weight), ["conv", "group_norm"]),
    "instance norm, bias alone": (lambda m, x: F.instance_norm(x, bias=m.bias), ["conv", "instance_norm"]),
    "instance norm, weight alone": (lambda m, x: F.instance_norm(x, weight=m.weight), ["conv", "instance_norm"]),
    "layer norm, bias alone": (
        lambda m, x: F.layer_norm(x.flatten(2).transpose(1, 2), (8,), None, m.bias),
        ["conv", "flatten", "permute", "layer_norm"],
    ),
    "autocast that is off": (lambda m, x: _autocast_off(x), ["conv", "relu", "affine"]),
    "no gradients": (lambda m, x: _no_grad(x), ["conv", "relu"]),
    "dropout of 0": (lambda m, x: F.dropout(x, 0.0, m.training).relu(), ["conv", "relu"]),
}


@pytest.mark.parametrize("name", CALLS)
def test_comes_in_equal(name: str) -> None:
    call, wanted = CALLS[name]
    torch.manual_seed(0)
    module = Holder(call).eval()
    imported = specgraph.from_module(module, torch.randn(2, 4, 8, 8))
    if wanted:
        assert [node.op for node in imported.graph().nodes.values()] == wanted
    for batch in (2, 3):
        x = torch.randn(batch, 4, 8, 8)
        with torch.inference_mode():
            expected, found = module(x), imported.module()(x)
        assert expected.shape == found.shape
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


REFUSED: dict[str, tuple[Call, str]] = {
    "gather of the batch": (lambda m, x: x[m.places[:1] * 0], "samples of the batch|batch size"),
    "gather along two axes": (lambda m, x: x[:, m.places, m.places], "several axes at once"),
    "nothing computed with": (lambda m, x: x[:, :0].relu(), "a tensor without values"),
    "stack and sum of channels": (lambda m, x: torch.stack([x, x]).sum(2), "stacked, before the batch"),
    "repeat of the batch": (lambda m, x: x.repeat(2, 1, 1, 1), "repeats the batch"),
    "autocast that is on": (
        lambda m, x: _autocast_on(m, x),
        "has no counterpart|reads a constant",
    ),
}


def _autocast_on(module: Holder, x: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return x @ x


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_with_reason(name: str) -> None:
    call, reason = REFUSED[name]
    with pytest.raises(CommandError, match=reason):
        specgraph.from_module(Holder(call).eval(), torch.randn(2, 4, 8, 8))


def test_a_factor_that_is_reshaped_keeps_its_name() -> None:
    module = Holder(lambda m, x: x * m.weight.view(1, -1, 1, 1)).eval()
    imported = specgraph.from_module(module, torch.randn(2, 4, 8, 8))
    assert list(imported.spec["nodes"]) == ["conv", "weight"]
