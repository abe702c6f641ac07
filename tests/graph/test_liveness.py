"""What reaches an output, held against networkx on random graphs."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from specgraph.graph.liveness import live


@st.composite
def _dags(draw: st.DrawFn) -> tuple[dict[int, list[int]], set[int]]:
    size = draw(st.integers(1, 12))
    reads = {value: draw(st.lists(st.integers(0, value - 1), max_size=3)) if value else [] for value in range(size)}
    return reads, draw(st.sets(st.integers(0, size - 1), max_size=3))


@given(_dags())
def test_live_is_what_a_wanted_value_reaches_backwards(drawn: tuple[dict[int, list[int]], set[int]]) -> None:
    reads, wanted = drawn
    graph = nx.DiGraph([(value, source) for value, sources in reads.items() for source in sources])
    graph.add_nodes_from(reads)
    expected = wanted.union(*(nx.descendants(graph, value) for value in wanted))
    assert live(reads, reads.__getitem__, wanted) == expected
