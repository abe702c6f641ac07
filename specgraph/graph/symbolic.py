"""Symbolic sizes: for which values of the symbols does every node accept its inputs?"""

from __future__ import annotations

from specgraph.diagnostics.collector import Collector
from specgraph.graph.dims import PROBED_SIZES
from specgraph.graph.model import Constraint, Graph


def assignments(symbols: frozenset[str]) -> list[dict[str, int]]:
    """Values tried for the symbols: all equal, and every pair of a few typical sizes."""
    names = sorted(symbols)
    together = [dict.fromkeys(names, size) for size in PROBED_SIZES]
    if len(names) < 2:
        return together
    typical = [1, 2, 3, 7, 8, 15, 16, 28, 31, 32, 33, 64, 97, 128, 224, 225]
    mixed = [{**dict.fromkeys(names, other), name: size} for name in names for size in typical for other in typical]
    return together + mixed


def failing(graph: Graph, sizes: dict[str, int]) -> Constraint | None:
    """The first constraint that does not hold at these sizes, or None where the network accepts them."""
    return next((constraint for constraint in graph.constraints if not constraint.holds(sizes)), None)


def accepted_sizes(graph: Graph) -> list[dict[str, int]]:
    """Tried values of the symbols that the network accepts."""
    return [sizes for sizes in assignments(graph.symbols) if failing(graph, sizes) is None]


def check_constraints(graph: Graph, collector: Collector) -> None:
    """Report a network that accepts no size at all."""
    if not graph.constraints or accepted_sizes(graph):
        return
    last = max(
        (failing(graph, sizes) for sizes in assignments(graph.symbols)),
        key=lambda constraint: list(graph.nodes).index(constraint.node) if constraint else -1,
    )
    assert last is not None
    node = graph.nodes.get(last.node)
    names = ", ".join(sorted(graph.symbols))
    if node is not None:
        collector.report(
            "no-possible-size",
            f"node `{last.node}`: no value of {names} makes {last.left} {last.relation} {last.right}",
            node.span,
            node=last.node,
            notes=[f"tried every size from {PROBED_SIZES[0]} to 259 and some larger ones"],
        )
