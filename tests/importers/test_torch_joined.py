"""Traced calls on values whose batch is joined with windows or heads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import specgraph
from specgraph.errors import CommandError
from specgraph.importers.api import Imported

Call = Callable[[Any, Tensor], Any]


class Holder(nn.Module):
    """Layers and parameters that a call of maps of 4 channels, 6 by 8, may use."""

    places: Tensor

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.call = call
        self.conv = nn.Conv2d(4, 6, 3, padding=1, stride=2)
        self.depth = nn.Conv2d(2, 2, (3, 1), padding="same", groups=2, bias=False)
        self.line = nn.Conv1d(4, 3, 3, dilation=2)
        self.norm = nn.GroupNorm(2, 4)
        self.table = nn.Parameter(torch.randn(3, 5, 4))
        self.bias = nn.Parameter(torch.randn(1, 3, 1, 4))
        self.register_buffer("places", torch.tensor([2, 0, 1, 1]))

    def forward(self, x: Tensor) -> Any:
        """Of (N, 4, 6, 8)."""
        return self.call(self, x)


def windows(x: Tensor) -> Tensor:
    """Four windows of 3 by 4 joined with the batch, each sample's one after another."""
    return x.view(-1, 4, 2, 3, 2, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, 4, 3, 4)


def heads(x: Tensor) -> Tensor:
    """Two heads of two channels joined with the batch."""
    return x.reshape(-1, 2, 6, 8)


def both(x: Tensor) -> Tensor:
    """Two windows before the batch in one axis with it, and two heads after it."""
    return x.view(-1, 2, 2, 2, 3, 8).permute(3, 0, 1, 2, 4, 5).reshape(-1, 2, 3, 8)


def from_both(x: Tensor, batch: int) -> Tensor:
    """The batch of `both` in front again."""
    return x.reshape(2, batch, -1, *x.shape[1:]).transpose(0, 1)


def apart(x: Tensor, batch: int) -> Tensor:
    """What is joined with the batch as an axis after it."""
    return x.reshape(batch, -1, *x.shape[1:])


def twice(m: Any, x: Tensor) -> Tensor:
    """One layer that two values read."""
    one, two = m.conv(windows(x)), m.conv(windows(x.relu()))
    return apart(one + two, x.size(0))


CALLS: dict[str, tuple[Call, list[str]]] = {
    "convolution of windows": (
        lambda m, x: apart(m.conv(windows(x)), x.size(0)),
        ["reshape", "permute", "reshape", "conv", "permute"],
    ),
    "convolution of heads": (lambda m, x: m.depth(heads(x)).reshape(x.shape), []),
    "convolution of both": (lambda m, x: from_both(m.depth(both(x)), x.size(0)), []),
    "convolution of lines": (lambda m, x: apart(m.line(x.permute(0, 2, 1, 3).reshape(-1, 4, 8)), x.size(0)), []),
    "one layer twice": (twice, []),
    "largest of windows": (lambda m, x: apart(F.max_pool2d(windows(x), 2, 1, 1), x.size(0)), []),
    "mean of windows": (
        lambda m, x: apart(F.avg_pool2d(windows(x), (2, 3), padding=(1, 0), count_include_pad=False), x.size(0)),
        [],
    ),
    "adaptive of windows": (lambda m, x: apart(F.adaptive_avg_pool2d(windows(x), (2, 1)), x.size(0)), []),
    "one of each window": (lambda m, x: apart(F.adaptive_max_pool2d(windows(x), 1), x.size(0)), []),
    "copies within windows": (
        lambda m, x: apart(windows(x)[:, :, :1].expand(-1, -1, 5, -1), x.size(0)).flatten(3),
        [],
    ),
    "copies before windows": (lambda m, x: windows(x).expand(3, -1, -1, -1, -1)[1].reshape(x.shape), []),
    "copies that broadcast": (
        lambda m, x: apart(windows(x) * windows(x)[:, :1].expand(-1, 4, -1, -1), x.size(0)),
        ["reshape", "permute", "reshape", "reshape", "permute", "reshape", "slice", "mul"],
    ),
    "a new axis before the batch": (lambda m, x: x.expand(3, -1, -1, -1, -1).permute(1, 0, 2, 3, 4), []),
    "each sample for each window": (
        lambda m, x: apart(windows(x) + x[:, :, :3, :4].repeat_interleave(4, dim=0), x.size(0)),
        [],
    ),
    "each window twice": (lambda m, x: apart(windows(x).repeat_interleave(2, dim=0), x.size(0)), []),
    "each head and window twice": (lambda m, x: from_both(both(x).repeat_interleave(2, 0), x.size(0)), []),
    "each column twice": (lambda m, x: apart(windows(x).repeat_interleave(2, dim=-1), x.size(0)), []),
    "each row twice": (lambda m, x: x.repeat_interleave(2, 2), []),
    "gathered in windows": (lambda m, x: apart(windows(x)[:, :, m.places], x.size(0)), []),
    "gathered along an axis": (lambda m, x: apart(windows(x).index_select(-2, m.places), x.size(0)), []),
    "einsum of windows": (lambda m, x: apart(torch.einsum("bchw,hkw->bchk", windows(x), m.table), x.size(0)), []),
    "einsum of both": (lambda m, x: from_both(torch.einsum("bchw,bcgw->bchg", both(x), both(x)), x.size(0)), []),
}


def equal(call: Call) -> Imported:
    """The import of a call, of which it is known that it computes the same at three batches."""
    torch.manual_seed(0)
    module = Holder(call).eval()
    imported = specgraph.from_module(module, torch.randn(2, 4, 6, 8))
    for batch in (1, 2, 3):
        x = torch.randn(batch, 4, 6, 8)
        with torch.inference_mode():
            torch.testing.assert_close(imported.module()(x), module(x), rtol=1e-5, atol=1e-5)
    return imported


@pytest.mark.parametrize("name", CALLS)
def test_comes_in_equal(name: str) -> None:
    call, wanted = CALLS[name]
    found = [node.op for node in equal(call).graph().nodes.values()]
    assert not wanted or found == wanted


def test_a_layer_of_windows_keeps_its_name_and_is_shared() -> None:
    """Its weight has one axis more, of size 1."""
    held = equal(twice).state_dict
    assert {key: array.shape for key, array in held.items()} == {"conv.weight": (6, 4, 1, 3, 3), "conv.bias": (6,)}


REFUSED: dict[str, tuple[Call, str]] = {
    "convolution over the batch": (
        lambda m, x: m.conv(x.transpose(0, 1).reshape(-1, 4, 6, 8)[:, :, :, :]).sum(0),
        "its batch is not the first axis|sums over the batch|takes the batch axis apart",
    ),
    "groups of windows": (lambda m, x: apart(m.norm(windows(x)), x.size(0)), "its batch is not the first axis"),
    "repeated by numbers of their own": (
        lambda m, x: x.repeat_interleave(torch.tensor([1, 2, 1, 1]), dim=1),
        "a number of times of their own",
    ),
    "repeated as one axis": (lambda m, x: x.repeat_interleave(2), "a number of times of their own"),
    "einsum of unlike batches": (
        lambda m, x: torch.einsum("bchw,bdhw->bcd", windows(x), windows(x).roll(1, 0)),
        "acts on the batch|moves the samples",
    ),
    "gathered samples": (lambda m, x: windows(x)[m.places], "acts on the batch|batch size"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_with_reason(name: str) -> None:
    call, reason = REFUSED[name]
    with pytest.raises(CommandError, match=reason):
        specgraph.from_module(Holder(call).eval(), torch.randn(2, 4, 6, 8))
