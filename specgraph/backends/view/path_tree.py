"""The tree along the dotted paths of nodes, finished or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from specgraph.diagnostics.model import Span
from specgraph.graph.model import Node
from specgraph.graph.partial import Partial, Unfinished

MOST_CHILDREN = 80
"""Children beyond which a group is cut into sections: nothing reads a flat list of thousands."""
LEAST_SECTION = 12


class PathLeaf:
    """A node of the tree. `low` is its number."""

    __slots__ = (
        *("exits", "high", "inputs", "key", "low", "name", "node", "path", "reads", "span", "structure", "variant"),
    )

    def __init__(self, path: str, node: Node | Unfinished) -> None:
        self.path = path
        self.name = path.rpartition(".")[2]
        self.node = node
        self.inputs = node.inputs
        self.span: Span | None = node.span
        self.reads: list[int] = []
        self.low = self.high = self.key = self.structure = self.variant = 0
        self.exits: list[int] = []


class Branch:
    """A group: its nodes are those with numbers from `low` up to `high`.

    `reads` are values from outside, `exits` nodes that are read outside. `key` is equal for equal pieces,
    `structure` for those that are equal but for the values of arguments.
    """

    __slots__ = (
        *("arguments", "block", "children", "exits", "high", "index", "key", "kind", "low", "name", "path"),
        *("reads", "runs", "span", "structure"),
    )

    def __init__(self, path: str, kind: str) -> None:
        self.path = path
        self.name = path.rpartition(".")[2]
        self.kind = kind
        self.block: str | None = None
        self.arguments: dict[str, Any] = {}
        self.children: list[Branch | PathLeaf] = []
        self.span: Span | None = None
        self.low = self.high = self.index = self.key = self.structure = 0
        self.reads: list[int] = []
        self.exits: list[int] = []
        self.runs: list[list[Any]] = []


def build_tree(partial: Partial) -> Branch:
    """The nodes of a network as a tree, in the order of the file."""
    graph = partial.graph
    root = Branch("", "root")
    branches: dict[str, Branch] = {"": root}

    def branch(path: str) -> Branch:
        found = branches.get(path)
        if found is None:
            missing = []
            while path not in branches:
                missing.append(path)
                path = path.rpartition(".")[0]
            found = branches[path]
            for path in reversed(missing):
                inner = branches[path] = Branch(path, "prefix")
                scope = graph.scopes.get(path)
                if scope is not None:
                    inner.kind, inner.block, inner.arguments, inner.span = (
                        scope.kind,
                        scope.block,
                        scope.arguments,
                        scope.span,
                    )
                found.children.append(inner)
                found = inner
        return found

    left = sorted(partial.unfinished.values(), key=lambda unfinished: unfinished.after)
    place = 0
    for count, node in enumerate(graph.nodes.values()):
        while place < len(left) and left[place].after <= count:
            branch(left[place].path.rpartition(".")[0]).children.append(PathLeaf(left[place].path, left[place]))
            place += 1
        branch(node.path.rpartition(".")[0]).children.append(PathLeaf(node.path, node))
    for unfinished in left[place:]:
        branch(unfinished.path.rpartition(".")[0]).children.append(PathLeaf(unfinished.path, unfinished))
    return root


def split_long(root: Branch, is_joint: Callable[[Branch | PathLeaf, Branch | PathLeaf], bool]) -> list[Branch]:
    """Cut groups of very many children into sections, where one value alone passes if there is such a place.
    `is_joint(first, item)` says whether it is one between `first` and what comes before `item`. Runs stay
    together. Returns the new and the changed groups, inner ones first."""
    changed: list[Branch] = []
    waiting = [root]
    while waiting:
        branch = waiting.pop()
        waiting.extend(child for child in branch.children if isinstance(child, Branch))
        pieces = _pieces(branch)
        was = len(pieces)
        while len(pieces) > MOST_CHILDREN:
            sections = _sections(pieces, max(LEAST_SECTION, math.isqrt(len(pieces))), is_joint)
            if len(sections) < 2:
                break
            changed += sections
            pieces = [[section] for section in sections]
        if len(pieces) < was:
            branch.children = [child for piece in pieces for child in piece]
            changed.append(branch)
    return changed


def _pieces(branch: Branch) -> list[list[Branch | PathLeaf]]:
    """The children of a group, those of a run together."""
    pieces: list[list[Branch | PathLeaf]] = []
    place = 0
    for start, count, _ in branch.runs:
        pieces += [[child] for child in branch.children[place:start]]
        pieces.append(branch.children[start : start + count])
        place = start + count
    return pieces + [[child] for child in branch.children[place:]]


def _sections(
    pieces: list[list[Branch | PathLeaf]], least: int, is_joint: Callable[[Branch | PathLeaf, Branch | PathLeaf], bool]
) -> list[Branch]:
    sections: list[Branch] = []
    start = 0
    while start < len(pieces):
        end = start + least
        furthest = min(len(pieces), start + 3 * least)
        while end < furthest and not is_joint(pieces[start][0], pieces[end][0]):
            end += 1
        if end >= furthest and furthest < len(pieces):
            end = start + 2 * least
        if len(pieces) - end < least // 2:
            end = len(pieces)
        inside = [child for piece in pieces[start:end] for child in piece]
        first, last = inside[0], inside[-1]
        section = Branch(f"{first.path}…{last.name}", "section")
        section.name = f"{first.name} … {last.name}"
        section.children = inside
        section.low, section.high = first.low, last.high
        sections.append(section)
        start = end
    return sections
