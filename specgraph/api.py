"""The verbs of the Python interface: each takes a graph, a path or a parsed spec."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from specgraph.checking import SpecLike, load
from specgraph.errors import require
from specgraph.graph.model import Graph

if TYPE_CHECKING:
    from torch import nn

GraphLike = Graph | SpecLike


def as_graph(spec: GraphLike) -> Graph:
    """The graph itself, or the checked graph of a spec. Raises `SpecError`."""
    return spec if isinstance(spec, Graph) else load(spec)


def compile(spec: GraphLike, *, seed: int | None = None, device: str = "cpu") -> nn.Module:
    """The network as an ordinary `torch.nn.Module`, freshly initialised.

    It takes the spec's inputs in order, each (N, *shape), and returns a tensor (N, *shape), or a dict
    from output names to tensors where there are several. `seed` makes the initialisation
    reproducible without touching the global generator. Raises `SpecError` for a wrong spec.
    """
    require("torch", "torch", "compiling")
    from specgraph.backends.torch.compile import compile_graph

    return compile_graph(as_graph(spec), seed=seed, device=device)


def render(spec: GraphLike, path: str | os.PathLike[str], **options: Any) -> None:
    """Draw the network into a `.svg`, `.png`, `.pdf` or `.dot` file.

    Options: `depth`, `direction` ("TB" or "LR"), `theme` ("light" or "dark").
    """
    from specgraph.backends.graphviz import render as draw

    draw(as_graph(spec), os.fspath(path), **options)
