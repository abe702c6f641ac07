"""PyTorch source, readable and free of specgraph."""

from __future__ import annotations

from specgraph.graph.model import Graph


def emit_python(graph: Graph) -> str:
    """PyTorch source of a network; see `specgraph.backends.python.emit`."""
    from specgraph.backends.python.emit import emit_python as emit

    return emit(graph)
