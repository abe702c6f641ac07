"""Words that the rules of joins share: inputs with their types, axes, and a node to read an input through."""

from __future__ import annotations

from collections.abc import Sequence

from specgraph.graph.types import TensorType

MOST_LISTED = 8
AXES = {"H": "height", "W": "width", "D": "depth", "L": "length", "C": "channels", "F": "features"}


def listed(names: Sequence[str], types: Sequence[TensorType], indices: Sequence[int] | None = None) -> str:
    """`a` is 64x32x32, `b` is 64x16x16: the inputs with these indices, by default all. Where two would read
    the same, the sizes are listed in their order."""
    chosen = range(len(names)) if indices is None else indices
    texts = [str(types[index]) for index in chosen]
    if len(set(texts)) < len({types[index].dims for index in chosen}):  # maps and others of the same sizes
        texts = [f"[{', '.join(map(str, types[index].dims))}]" for index in chosen]
    shown = [f"{names[index]} is {text}" for index, text in zip(chosen, texts, strict=True)]
    return ", ".join(shown[:MOST_LISTED]) + (", ..." if len(shown) > MOST_LISTED else "")


def axis_name(kind: TensorType, axis: int) -> str:
    """What messages call an axis, counted without the batch axis."""
    return AXES.get(kind.axes[axis], f"axis {axis + 1}")


def read_through(source: str | None, node: str) -> str | None:
    """The node to write between an input and its reader; None where the input has no name to read it by.
    `node` is what it says, with `{}` for the input: `op: relu, from: {}`."""
    return None if source is None else f"read `{source}` through {{{node.format(source)}}}"
