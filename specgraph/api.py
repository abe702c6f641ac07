"""The light verbs of the Python interface: each takes a graph, a path or a parsed spec."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from specgraph.checking import Report, SpecLike, load
from specgraph.errors import SpecError, require
from specgraph.graph.model import Graph

if TYPE_CHECKING:
    from torch import nn

    from specgraph.analysis.diff import Diff
    from specgraph.analysis.summary import Summary
    from specgraph.graph.faulty import FaultyNetwork

GraphLike = Graph | SpecLike


def as_graph(spec: GraphLike) -> Graph:
    """The graph itself, or the checked graph of a spec. Raises `SpecError`."""
    return spec if isinstance(spec, Graph) else load(spec)


def as_shown(spec: GraphLike | Report) -> Graph | FaultyNetwork:
    """What to show of a spec or of the report of checking one: its graph, or of a wrong one as much as is known.

    Raises `SpecError` where nothing is, and for a wrong spec whose report was not asked for.
    """
    if not isinstance(spec, Report):
        return as_graph(spec)
    network = spec.network
    if network is None:
        raise SpecError(spec.diagnostics)
    return network


def compile(spec: GraphLike, *, seed: int | None = None, device: str = "cpu") -> nn.Module:
    """The network as an ordinary `torch.nn.Module`, freshly initialised.

    It takes the spec's inputs in order, each (N, *shape), and returns a tensor (N, *shape), or a dict
    from output names to tensors where there are several. `seed` makes the initialisation
    reproducible without touching the global generators. Raises `SpecError` for a wrong spec,
    `MissingPackageError` without PyTorch.
    """
    require("torch", "torch", "compiling")
    from specgraph.backends.torch.compile import compile_graph

    return compile_graph(as_graph(spec), seed=seed, device=device)


def summary(spec: GraphLike | Report) -> Summary:
    """Per node: output shape, parameters, multiply-adds, activation bytes, receptive field; totals.

    Of a report (`summary(check(path))`) a wrong spec is shown too, as far as its shapes are known. Raises
    `SpecError` where nothing is known, and for a wrong spec itself.
    """
    from specgraph.analysis.summary import summarise

    return summarise(as_shown(spec))


def render(
    spec: GraphLike | Report,
    path: str | os.PathLike[str],
    *,
    depth: int | None = None,
    direction: str = "TB",
    theme: str = "light",
) -> Path:
    """Draw the network into a `.svg`, `.png`, `.pdf` or `.dot` file and return its path.

    `depth` folds blocks nested deeper into one box each; `direction` is TB or LR, `theme` light or
    dark. Of a report (`render(check(path), "net.svg")`) a wrong spec is drawn too, as far as it is known, with its
    errors at their nodes. Raises `CommandError` for anything else, or where the file cannot be written,
    `SpecError` as `summary` does.
    """
    from specgraph.backends.graphviz import render as draw

    return draw(as_shown(spec), Path(path), depth=depth, direction=direction, theme=theme)


def emit_python(spec: GraphLike) -> str:
    """The network as PyTorch source that does not need specgraph. Same `state_dict` keys, same outputs."""
    require("torch", "torch", "writing PyTorch source")
    from specgraph.backends.python import emit_python as emit

    return emit(as_graph(spec))


def diff(left: GraphLike, right: GraphLike) -> Diff:
    """The structural difference of two networks: nodes added, removed, changed, moved."""
    from specgraph.analysis.diff import diff as compare

    return compare(as_graph(left), as_graph(right))
