"""Inlay hints: the output shape of every node, after it."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.language_server.analysis import Analysis
from specgraph.language_server.scopes import node_place, written_nodes
from specgraph.source.tree import Scalar, Tree

MAX_SHAPES = 3


def shape_hints(
    analyses: list[Analysis], path: str, tree: Tree | None, first: int, last: int
) -> Iterator[tuple[int, int, str, str]]:
    """Hints for the nodes written in lines `first` to `last` (from 1): line, column, shape, and all
    instances where there are several. `analyses` are the specs that may use the file, its own first."""
    for _, key, node in written_nodes(tree):
        place = key if key is not None else node_place(node)
        line, column = _behind(key, node)
        if not first <= line <= last:
            continue
        outputs = [
            output
            for analysis in analyses
            if (instances := analysis.instances(path, place)) is not None
            for output in instances.outputs()
        ]
        shapes = list(dict.fromkeys(shape for _, shape in outputs))
        if not shapes:
            continue
        label = ", ".join(shapes)
        if len(shapes) > MAX_SHAPES:
            label = f"{shapes[0]} … {shapes[-1]}"
        every = "\n".join(f"{name}: {shape}" for name, shape in outputs[:20]) if len(shapes) > 1 else ""
        yield line, column, label, every


def _behind(key: Scalar | None, node: Tree) -> tuple[int, int]:
    """Where a node's hint stands: after it, or after its name where it takes several lines."""
    if key is None:
        place = node if node.line == node.end_line else node_place(node)
        return place.end_line, place.end_column
    if node.end_line == key.line:
        return max((node.end_line, node.end_column), (key.end_line, key.end_column + 1))
    return key.end_line, key.end_column + 1
