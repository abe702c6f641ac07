"""How values are spread: histograms of the weights of a network's nodes, and of what nodes make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from specgraph.graph.model import Graph

BINS = 40
MOST_TENSORS = 2000
"""Tensors up to which a report holds the histograms of all."""


def histogram(name: str, tensor: Tensor) -> dict[str, Any]:
    """How many finite values lie in each of equal steps from `low` to `high`; their mean and deviation, and the share
    of zeros."""
    values = tensor.detach().float().flatten()
    values = values[torch.isfinite(values)]
    if not values.numel():
        return {"name": name, "counts": [0], "low": 0.0, "high": 0.0, "mean": 0.0, "std": 0.0, "zeros": 0.0}
    low, high = float(values.min()), float(values.max())
    counts = torch.histc(values, BINS, low, high if high > low else low + 1)
    figures = {
        "low": low,
        "high": high,
        "mean": float(values.mean()),
        "std": float(values.std(unbiased=False)),
        "zeros": float((values == 0).float().mean()),
    }
    rounded = {key: float(f"{value:.5g}") for key, value in figures.items()}
    return {"name": name, "counts": [int(count) for count in counts], **rounded}


def weights_by_node(graph: Graph, state: Mapping[str, Tensor]) -> dict[str, list[dict[str, Any]]]:
    """Histograms of the parameters and buffers of each node that has some of more than one value, by the node's
    path; empty for very many tensors."""
    found: dict[str, list[dict[str, Any]]] = {}
    if len(state) > MOST_TENSORS:
        return found
    for key, tensor in state.items():
        node, _, name = key.rpartition(".")
        if key in graph.nodes:
            node, name = key, "weight"
        while node and node not in graph.nodes:
            node, _, more = node.rpartition(".")
            name = f"{more}.{name}"
        if node and tensor.numel() > 1 and tensor.is_floating_point():
            found.setdefault(node, []).append(histogram(name, tensor))
    return found
