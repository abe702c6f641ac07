"""PyTorch source, readable and free of specgraph."""

from __future__ import annotations

from specgraph.errors import CommandError, require
from specgraph.graph.model import Graph


def emit_python(graph: Graph) -> str:
    """PyTorch source of a network: ordinary classes that need nothing but torch.

    Raises MissingPackageError where torch, whose modules' signatures are read, is not installed.
    """
    require("torch", "torch", "emitting PyTorch source")
    from specgraph.backends.python.emit import emit_python as emit

    try:
        return emit(graph)
    except RecursionError:
        raise CommandError("the network is nested too deeply for PyTorch source") from None
