"""Modules whose repeated parts become blocks, though values are read within them, or nodes lie under nodes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import specgraph
from specgraph.importers import block_choice
from specgraph.importers.structure import to_block_spec


class BnAct(nn.BatchNorm2d):
    """Batch normalisation that holds its activation."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.act = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (N, C, H, W)."""
        activated: torch.Tensor = self.act(super().forward(x))
        return activated


class Residual(nn.Module):
    """A unit around it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn = BnAct(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (N, C, H, W)."""
        return x + self.bn(self.conv(x))


def unit(channels: int) -> nn.Module:
    """Convolution, batch normalisation, ReLU."""
    return nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())


class Fuse(nn.Module):
    """Branches that exchange their values: y_i = f_i0(x_0) + …, the identity at j = i."""

    def __init__(self, channels: int, count: int = 3) -> None:
        super().__init__()
        self.f = nn.ModuleList(
            nn.ModuleList(nn.Identity() if i == j else unit(channels) for j in range(count)) for i in range(count)
        )

    def forward(self, branches: list[torch.Tensor]) -> list[torch.Tensor]:
        """Of equal (N, C, H, W)."""
        rows: Any = self.f
        return [sum(part(x) for part, x in zip(row, branches, strict=True)).relu() for row in rows]


class Exchange(nn.Module):
    """Three branches, two exchanges."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.a, self.b, self.c = (unit(channels) for _ in range(3))
        self.stage = nn.ModuleList(Fuse(channels) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (N, C, H, W)."""
        branches = [self.a(x), self.b(x), self.c(x)]
        for exchange in self.stage:
            branches = exchange(branches)
        return branches[0] + branches[1] + branches[2]


class Aggregate(nn.Module):
    """A chain of units, and a join of what each of them makes, as in deep layer aggregation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.tree1, self.tree2 = Residual(channels), Residual(channels)
        self.root = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (N, C, H, W)."""
        first = self.tree1(x)
        joined: torch.Tensor = self.root(torch.cat([self.tree2(first), first], 1))
        return joined


class Skips(nn.Module):
    """Stages of which an inner value is read by the decoder."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stage1, self.stage2 = (nn.Sequential(Residual(channels), Residual(channels)) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (N, C, H, W)."""
        inner = self.stage1[0](x)
        middle = self.stage1[1](inner)
        last = self.stage2[0](middle)
        return self.stage2[1](last) * inner + last


def bn_acts() -> nn.Module:
    """A chain of units with an activation in a norm."""
    return nn.Sequential(*(Residual(4) for _ in range(4)))


@pytest.mark.parametrize(
    ("module", "blocks", "lines"),
    [
        (bn_acts(), 1, 18),
        (Exchange(4), 1, 45),
        (nn.Sequential(Aggregate(4), Aggregate(4), Aggregate(4)), 2, 32),
        (Skips(4), 1, 26),
    ],
    ids=["activation in a norm", "exchange", "aggregation", "skips"],
)
def test_repeated_parts_are_blocks(module: nn.Module, blocks: int, lines: int) -> None:
    module, x = module.eval(), torch.randn(2, 4, 16, 16)
    imported = specgraph.from_module(module, x)
    assert len(imported.spec.get("blocks", {})) >= blocks
    assert len(imported.text.splitlines()) <= lines, imported.text
    assert not [note for note in imported.notes if "node by node" in note]
    assert set(module.state_dict()) == set(imported.state_dict)
    with torch.inference_mode():
        torch.testing.assert_close(imported.module()(x), module(x))


def test_levels_of_a_module_in_a_node_are_kept() -> None:
    imported = specgraph.from_module(bn_acts().eval(), torch.randn(2, 4, 8, 8))
    assert "3.bn_act" in imported.graph().nodes


def test_only_the_part_that_would_be_another_network_is_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that gets one block wrong, and a level of one instance that cannot be reached."""

    def wrong(net: Any, names: Any, apart: frozenset[str]) -> dict[str, Any]:
        spec = to_block_spec(net, names, apart)
        if "stage" not in apart:
            spec["nodes"] = {name: node for name, node in spec["nodes"].items() if not name.startswith("stage")}
            raise specgraph.importers.structure.Unwritable("stage.0.f.0.1.0")
        return spec

    monkeypatch.setattr(block_choice, "to_block_spec", wrong)
    module = Exchange(4).eval()
    imported = specgraph.from_module(module, torch.randn(2, 4, 16, 16))
    assert any("node by node" in note and "`stage`" in note for note in imported.notes)
    assert imported.spec["nodes"]["a"]
    x = torch.randn(3, 4, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(imported.module()(x), module(x))


def test_a_network_that_no_part_explains_is_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    def another(net: Any, names: Any, apart: frozenset[str]) -> dict[str, Any]:
        spec = to_block_spec(net, names, apart)
        return {**spec, "nodes": {**spec["nodes"], "more": "relu"}}

    monkeypatch.setattr(block_choice, "to_block_spec", another)
    imported = specgraph.from_module(bn_acts().eval(), torch.randn(2, 4, 8, 8))
    assert "blocks" not in imported.spec
    assert imported.notes[-1].startswith("written node by node")
