"""Symbolic sizes: for which values of the symbols does every node accept its inputs?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from specgraph.diagnostics.collector import Collector
from specgraph.graph.dims import PROBED_ONE_BY_ONE, PROBED_SIZES, turning_sizes
from specgraph.graph.model import Constraint, Graph

MAX_VARIED = 8
"""Symbols of which each is also tried with a value of its own."""
MAX_SOLVED, MOST_OTHERS = 2, 160
"""Equalities that are solved for each of their symbols, and values of the others for which they are."""
MAX_TURNED = 50
"""Constraints around whose turning sizes the network is tried."""


def assignments(symbols: frozenset[str]) -> Iterator[dict[str, int]]:
    """Values tried for the symbols: all equal, and every pair of a few typical sizes."""
    names = sorted(symbols)
    for size in PROBED_SIZES:
        yield dict.fromkeys(names, size)
    if len(names) > 1:
        typical = [1, 2, 3, 7, 8, 15, 16, 28, 31, 32, 33, 64, 97, 128, 224, 225]
        for name in names[:MAX_VARIED]:
            for size in typical:
                for other in typical:
                    yield {**dict.fromkeys(names, other), name: size}


def _turning(graph: Graph) -> Iterator[dict[str, int]]:
    """Values around which one of the first constraints turns, the other symbols alike."""
    for constraint in dict.fromkeys((c.left, c.right) for c in graph.constraints[:MAX_TURNED]):
        for sizes in turning_sizes(*constraint):
            for size in dict.fromkeys(sizes.values()):
                yield {**dict.fromkeys(graph.symbols, size), **sizes}


def _solving(graph: Graph) -> Iterator[dict[str, int]]:
    """Values that make one of the first equalities of several symbols true: of each symbol the value that the others'
    small ones ask for."""
    equalities = [c for c in graph.constraints if c.relation == "==" and len(c.symbols) > 1]
    for constraint in equalities[:MAX_SOLVED]:
        for name in sorted(constraint.symbols)[:MAX_VARIED]:
            for other in range(1, MOST_OTHERS + 1):
                sizes = dict.fromkeys(graph.symbols, other)
                low, high = 0, PROBED_SIZES[-1]
                rises = constraint.reaches({**sizes, name: high})
                if rises == constraint.reaches({**sizes, name: 1}):
                    continue
                while high - low > 1:
                    middle = (low + high) // 2
                    above = constraint.reaches({**sizes, name: middle}) == rises
                    low, high = (low, middle) if above else (middle, high)
                yield {**sizes, name: high}
                yield {**sizes, name: high - 1}


def failing(graph: Graph, sizes: dict[str, int]) -> Constraint | None:
    """The first constraint that does not hold at these sizes, or None where the network accepts them."""
    return next((constraint for constraint in graph.constraints if not constraint.holds(sizes)), None)


def check_constraints(graph: Graph, collector: Collector) -> None:
    """Report a network that accepts no size at all."""
    last: Constraint | None = None
    position = {path: index for index, path in enumerate(graph.nodes)} if graph.constraints else {}
    for sizes in chain(assignments(graph.symbols), _turning(graph), _solving(graph)) if graph.constraints else ():
        failed = failing(graph, sizes)
        if failed is None:
            return
        if last is None or position.get(failed.node, -1) > position.get(last.node, -1):
            last = failed
    if last is None:
        return
    node = graph.nodes.get(last.node)
    names = ", ".join(sorted(graph.symbols))
    if node is not None:
        facts = {"path": last.node, "names": names, "left": last.left, "relation": last.relation, "right": last.right}
        tried = {"least": PROBED_SIZES[0], "most": PROBED_ONE_BY_ONE}
        collector.say("no-possible-size", "no value", facts | tried, node.span, node=last.node)
