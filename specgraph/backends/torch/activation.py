"""Activations in PyTorch: each is a module that its row names."""

from __future__ import annotations

from specgraph.backends.torch.lowering import Lower

LOWERINGS: dict[str, Lower] = {}
