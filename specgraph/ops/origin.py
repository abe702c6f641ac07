"""Which op gives a value of a graph its meaning."""

from __future__ import annotations

from specgraph.graph.model import Graph, Node
from specgraph.ops.registry import behaviour_of


def ends_in(graph: Graph, path: str) -> Node | None:
    """The node that gives an output its meaning, reshaping aside: a `softmax`, a `linear` …"""
    node = graph.nodes.get(path)
    while node is not None and behaviour_of(node.op).keeps_numbers and node.inputs:
        node = graph.nodes.get(node.inputs[0])
    return node


def gives_log_probabilities(graph: Graph, path: str) -> bool:
    """Whether a value holds logarithms of probabilities."""
    node = ends_in(graph, path)
    return node is not None and behaviour_of(node.op).scores == "log_probabilities"
