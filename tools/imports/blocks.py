"""Which blocks an import finds, where that once went wrong.

python tools/imports/blocks.py                     modules whose blocks were missed or were another network
python tools/imports/blocks.py --names FILE.onnx   what is found as names like `Conv_41` count as numbers
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from rooms import repeats, specgraph
from torch import nn


class BnAct(nn.BatchNorm2d):
    """Batch normalisation that holds its activation, as timm's BatchNormAct2d."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.act = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (N, C, H, W)."""
        return self.act(super().forward(x))


class Residual(nn.Module):
    """A block around it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn = BnAct(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (N, C, H, W)."""
        return x + self.bn(self.conv(x))


def conv(channels: int) -> nn.Module:
    """Convolution, batch normalisation, ReLU."""
    return nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())


class Fuse(nn.Module):
    """HRNet's exchange: y_i = f_i0(x_0) + …, the identity at j = i."""

    def __init__(self, channels: int, count: int = 3) -> None:
        super().__init__()
        self.f = nn.ModuleList(
            nn.ModuleList(nn.Identity() if i == j else conv(channels) for j in range(count)) for i in range(count)
        )

    def forward(self, branches: list[torch.Tensor]) -> list[torch.Tensor]:
        """Of equal (N, C, H, W)."""
        rows: Any = self.f  # a list of lists of modules
        return [sum(part(x) for part, x in zip(row, branches, strict=True)).relu() for row in rows]


class Exchange(nn.Module):
    """Three branches, two exchanges."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.a, self.b, self.c = (conv(channels) for _ in range(3))
        self.stage = nn.ModuleList(Fuse(channels) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (N, C, H, W)."""
        branches = [self.a(x), self.b(x), self.c(x)]
        for exchange in self.stage:
            branches = exchange(branches)
        return sum(branches)


def described(graph: Any) -> dict[str, Any]:
    """Nodes with all that they say."""
    return {path: (node.op, node.arguments, node.inputs, node.share) for path, node in graph.nodes.items()}


def show(name: str, module: nn.Module, channels: int) -> None:
    """Import a module; its blocks, and the largest difference of the outputs."""
    module, x = module.eval(), torch.randn(2, channels, 16, 16)
    imported = specgraph.from_module(module, x)
    most = float((module(x) - imported.module()(x)).detach().abs().max())
    print(f"{name}: {len(imported.spec.get('blocks', {}))} blocks, {len(imported.text.splitlines())} lines, {most:.1e}")
    print(imported.text)
    assert most < 1e-4
    assert described(specgraph.load(imported.spec)) == described(imported.graph())


def show_names(path: str) -> None:
    """An ONNX file, as if all its names were its nodes' own, then as it is read."""
    own = vars(repeats)["numbered_names"]
    found = []
    choices: list[Any] = [lambda paths: set(), own]
    for numbered in choices:
        vars(repeats)["numbered_names"] = numbered
        imported = specgraph.import_onnx(path)
        found.append(f"{len(imported.spec.get('blocks', {}))} blocks in {len(imported.text.splitlines())} lines")
    print(path.rsplit("/", 1)[-1], " -> ".join(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--names"]:
        for file in sys.argv[2:]:
            show_names(file)
    else:
        show("activation inside batch normalisation", nn.Sequential(*(Residual(8) for _ in range(4))), 8)
        show("exchange", Exchange(4), 4)
