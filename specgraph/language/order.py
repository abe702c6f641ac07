"""The order in which things that need each other can be taken, and the circles that prevent one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence


def components(needs: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Indices grouped so that each group comes after all that it needs, in their order where nothing else
    is said; the members of a group of several need each other (Tarjan's strongly connected components).
    Linear in the number of needs."""
    settled = len(needs)
    number: dict[int, int] = {}
    lowest = [settled] * len(needs)
    held: list[int] = []
    for start in range(len(needs)):
        if start in number:
            continue
        visits: list[tuple[int, Iterator[int]]] = []
        following: int | None = start
        while True:
            if following is not None and following not in number:
                number[following] = lowest[following] = len(number)
                held.append(following)
                visits.append((following, iter(needs[following])))
            elif following is not None:
                current = visits[-1][0]
                lowest[current] = min(lowest[current], lowest[following])
            else:
                current = visits.pop()[0]
                low = lowest[current]
                if low == number[current]:
                    group = [held.pop()]
                    while group[-1] != current:
                        group.append(held.pop())
                    for member in group:
                        lowest[member] = low = settled
                    yield group
                if not visits:
                    break
                lowest[visits[-1][0]] = min(lowest[visits[-1][0]], low)
            following = next(visits[-1][1], None)


def shortest_circle(members: Sequence[int], needs: Sequence[Sequence[int]]) -> list[int] | None:
    """The shortest way from the first of some members through what each needs back to it; None for a
    single one that does not need itself."""
    first = min(members)
    inside = set(members)
    reached_from = {first: first}
    waiting = deque([first])
    while waiting:
        current = waiting.popleft()
        for following in needs[current]:
            if following == first:
                way = [current]
                while way[-1] != first:
                    way.append(reached_from[way[-1]])
                return way[::-1]
            if following in inside and following not in reached_from:
                reached_from[following] = current
                waiting.append(following)
    return None
