"""Nodes that are written alike, but for their names and what they read: read and checked once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specgraph.source.tree import Mapping, Scalar, Sequence, Tree

if TYPE_CHECKING:
    from specgraph.ops.definition import Op

Wording = tuple[Any, ...]


class Alike:
    """What such nodes have in common: the op, and its arguments by name, all constant and right."""

    __slots__ = ("checked", "op")

    def __init__(self, op: Op, checked: dict[str, Any]) -> None:
        self.op = op
        self.checked = checked


def wording_of(tree: Tree) -> Wording | None:
    """How a node is written, but for its name and what it reads; None if that cannot be compared at a glance."""
    if isinstance(tree, Scalar):
        return (tree.text, tree.plain)
    if not isinstance(tree, Mapping):
        return None
    parts: list[Any] = []
    for key, value in tree.entries:
        if key.text == "from":
            continue
        if isinstance(value, Scalar):
            parts += (key.text, value.text, value.plain)
        elif isinstance(value, Sequence) and all(isinstance(item, Scalar) for item in value.items):
            parts += (key.text, tuple([(item.text, item.plain) for item in value.items if isinstance(item, Scalar)]))
        else:
            return None
    return tuple(parts)
