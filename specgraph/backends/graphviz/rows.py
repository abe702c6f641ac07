"""A diagram from left to right that is no wider than a page: broken into rows, as text is."""

from __future__ import annotations

import re
from collections.abc import Callable

from specgraph.backends.graphviz.picture import Box, Cluster, Edge, Picture

POINTS_PER_CM = 72 / 2.54
MOST_ROWS = 24
WIDTH = re.compile(r'<svg width="(\d+(?:\.\d+)?)pt"')


def in_rows(picture: Picture, num_rows: int) -> list[set[str]]:
    """The boxes of each row: whole blocks of the top level, about as many boxes in a chain in each."""
    lengths = [_longest(child, picture.edges) for child in picture.children]
    share = sum(lengths) / num_rows
    rows: list[set[str]] = [{box.id for box in picture.inputs}]
    done = 0.0
    for child, length in zip(picture.children, lengths, strict=True):
        if done + length / 2 > share * len(rows) and len(rows) < num_rows:
            rows.append(set())
        rows[-1] |= child.boxes if isinstance(child, Cluster) else {child.id}
        done += length
    rows[-1] |= {box.id for box in picture.outputs}
    return rows


def _longest(child: Box | Cluster, edges: list[Edge]) -> int:
    """How many boxes follow one another in a block."""
    if isinstance(child, Box):
        return 1
    inside = child.boxes
    depth = dict.fromkeys(inside, 1)
    for _ in range(len(inside)):
        changed = False
        for edge in edges:
            if edge.source in inside and edge.target in inside and depth[edge.target] <= depth[edge.source]:
                depth[edge.target] = min(depth[edge.source] + 1, len(inside))
                changed = True
        if not changed:
            break
    return max(depth.values())


def broken(picture: Picture, write: Callable[[list[set[str]]], str], fits: Callable[[str], bool]) -> str:
    """The DOT text with as few rows as fit, with as many as there are where none fit. `write` makes DOT of rows."""
    dot = write([])
    for num_rows in range(2, min(len(picture.children), MOST_ROWS) + 1):
        rows = in_rows(picture, num_rows)
        if len(rows) < num_rows:
            break
        dot = write(rows)
        if fits(dot):
            break
    return dot


def is_within(svg: str, width_cm: float) -> bool:
    """Whether a drawing is at most so wide."""
    found = WIDTH.search(svg)
    return found is None or float(found[1]) <= width_cm * POINTS_PER_CM
