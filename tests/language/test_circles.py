"""Nodes that need each other: the order of all others, and one short circle to show, however many there are."""

from __future__ import annotations

import random
from collections.abc import Iterator

import networkx
import pytest

from specgraph.language.order import components, shortest_circle
from tests.helpers import check_nodes


class Counted(list[int]):
    """What an index needs, counting how often it is gone through."""

    looks = 0

    def __iter__(self) -> Iterator[int]:
        for item in super().__iter__():
            Counted.looks += 1
            yield item


def needs_of(num_nodes: int, rng: random.Random) -> list[list[int]]:
    return [[rng.randrange(num_nodes) for _ in range(rng.choice([0, 1, 1, 2]))] for _ in range(num_nodes)]


def test_components_and_circles_are_networkx_s() -> None:
    rng = random.Random(4)
    num_circles = 0
    for _ in range(300):
        needs = needs_of(rng.randrange(1, 12), rng)
        graph = networkx.DiGraph([(index, other) for index, wanted in enumerate(needs) for other in wanted])
        graph.add_nodes_from(range(len(needs)))
        found = list(components(needs))
        assert {frozenset(group) for group in found} == set(
            map(frozenset, networkx.strongly_connected_components(graph))
        )
        done: set[int] = set()
        for group in found:
            done.update(group)
            assert all(other in done for index in group for other in needs[index])
            circle = shortest_circle(group, needs)
            assert (circle is None) == (len(group) == 1 and group[0] not in needs[group[0]])
            if circle is not None:
                num_circles += 1
                first = min(group)
                assert circle[0] == first
                assert all(after in needs[index] for index, after in zip(circle, [*circle[1:], first], strict=True))
                ways = dict(networkx.single_target_shortest_path_length(graph, first))
                assert len(circle) == 1 + min(ways[other] for other in needs[first] if other in ways)
    assert num_circles > 200


def test_what_needs_nothing_keeps_its_order() -> None:
    assert list(components([[], [], [1], [0, 2]])) == [[0], [1], [2], [3]]
    assert list(components([[1], [2], []])) == [[2], [1], [0]]


@pytest.mark.parametrize("size", [100, 1000])
def test_every_need_is_looked_at_a_few_times(size: int) -> None:
    """Each needs the next one and the first: as many circles as nodes."""
    needs = [Counted([(index + 1) % size, 0]) for index in range(size)]
    Counted.looks = 0
    for group in components(needs):
        shortest_circle(group, needs)
    assert Counted.looks <= 4 * size


# Nodes, and for each cycle reported: its message behind the node's name, and how many labels it has.
CYCLES: dict[str, tuple[str, list[tuple[str, int]]]] = {
    "itself": ("a: {op: relu, from: a}", [("a → a", 0)]),
    "three": ("a: {op: relu, from: c}|b: {op: relu, from: a}|c: {op: relu, from: b}", [("a → b → c → a", 2)]),
    "six": (
        "|".join(f"n{i}: {{op: relu, from: n{(i - 1) % 6}}}" for i in range(6)),
        [("n0 → n1 → n2 → n3 → n4 → n5 → n0", 5)],
    ),
    "a thousand": (
        "|".join(f"n{i}: {{op: relu, from: n{(i - 1) % 1000}}}" for i in range(1000)),
        [("n0 → n1 → n2 → … → n998 → n999 → n0", 4)],
    ),
    "the shortest of two": (
        "a: {op: add, from: [b, c]}|b: {op: relu, from: c}|c: {op: relu, from: a}",
        [("a → c → a", 1)],
    ),
    "two apart": (
        "a: {op: relu, from: b}|b: {op: relu, from: a}|c: {op: add, from: [d, a]}|d: {op: relu, from: c}",
        [("a → b → a", 1), ("c → d → c", 1)],
    ),
    "each needs the next and the first": (
        "|".join(f"c{i}: {{op: add, from: [c{(i + 1) % 300}, c0]}}" for i in range(300)),
        [("c0 → c0", 0)],
    ),
}


@pytest.mark.parametrize("case", CYCLES, ids=str)
def test_one_short_cycle_is_told_where_nodes_need_each_other(case: str) -> None:
    text, wanted = CYCLES[case]
    report = check_nodes("nodes:\n" + "".join(f"  {line}\n" for line in text.split("|")))
    assert {d.rule for d in report.diagnostics} == {"cycle"}
    assert [(d.message.partition(": ")[2], len(d.labels)) for d in report.diagnostics] == wanted


def test_a_cycle_in_a_block_used_often_is_told_once() -> None:
    inner = "".join(f"      n{i}: {{op: relu, from: n{(i + 1) % 9}}}\n" for i in range(9))
    report = check_nodes(f"blocks:\n  u:\n    nodes:\n{inner}nodes:\n  a: {{block: u, repeat: 50}}\n")
    assert [(d.rule, d.node) for d in report.diagnostics] == [("cycle", "a.0.n0")]
