"""Where a value begins that has an anchor: after it."""

from __future__ import annotations

import re
from typing import Any

from specgraph.source.tree import Scalar, Sequence, Tree

PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:[ \t\r\n]|(?<=[ \t\n])#[^\r\n]*)*)+")


def start_after_anchor(tree: Tree, text: str, index: int) -> None:
    """Let a value begin after the anchor and tag that stand at `index` of `text`, where its parser lets it begin:
    what is written in the value's place would take them away."""
    found = PROPERTIES.match(text, index)
    if found is None:
        return
    line, column = tree.line + found[0].count("\n"), tree.column + len(found[0])
    if line != tree.line:
        column = len(found[0]) - found[0].rfind("\n")
    tree.line, tree.column = min((line, column), (tree.end_line, tree.end_column))


def at_alias(tree: Tree, event: Any) -> Tree:
    """What an alias repeats, at the alias's own place: a scalar, or a list whose items stay where they are written."""
    start, end = event.start_mark, event.end_mark
    place = (start.line + 1, start.column + 1, end.line + 1, end.column + 1)
    if isinstance(tree, Scalar):
        return Scalar(tree.value, tree.text, tree.plain, *place)
    return Sequence(tree.items, *place) if isinstance(tree, Sequence) else tree
