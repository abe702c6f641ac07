"""Cures of an input's shape: another order of its axes, a channel axis that is missing, a batch axis too many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specgraph.cures.cure import Cure, WriteInput
from specgraph.diagnostics.model import Edit
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.ops.registry import behaviour_of

CHANNELS_OF_IMAGES = (1, 3)
LANGUAGE = "SG2"


def order_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """An input whose channels stand among its spatial axes, where a window does not fit because of that."""
    name, dims = _only_input(elaborator)
    if len(dims) != 3 or dims[0] in CHANNELS_OF_IMAGES or not trouble.types:
        return
    small = set(trouble.types[0].dims[1:])
    for axis in (1, 2):
        if dims[axis] in CHANNELS_OF_IMAGES and dims[axis] in small:
            yield from _written(name, (*dims[axis:], *dims[:axis]), elaborator)


def rank_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """An input with a channel axis more, or a batch axis less, for windows of that many sides."""
    name, dims = _only_input(elaborator)
    if not dims or not trouble.types or trouble.types[0].rank != len(dims):
        return
    if trouble.rule == "wrong-rank":
        if len(dims) == 1 and behaviour_of(trouble.op).reach != "features":
            yield from _written(name, (1, *dims), elaborator)
        return
    sides = {len(value) for value in trouble.arguments.values() if isinstance(value, tuple | list)}
    if sides == {len(dims)}:
        yield from _written(name, (1, *dims), elaborator)
    elif sides == {len(dims) - 2}:
        grey = dims[0] in CHANNELS_OF_IMAGES and dims[1] not in CHANNELS_OF_IMAGES
        for axis in (1, 0) if grey else (0, 1):
            yield from _written(name, (*dims[:axis], *dims[axis + 1 :]), elaborator)


def _only_input(elaborator: Elaborator) -> tuple[str, tuple[int, ...]]:
    """Name and sizes of the input, if there is one and all its sizes are numbers."""
    if len(elaborator.inputs) == 1:
        ((name, wire),) = elaborator.inputs.items()
        dims: tuple[Any, ...] = wire.type.dims if wire.type is not None else ()
        if all(isinstance(size, int) for size in dims):
            return name, dims
    return "", ()


def _written(name: str, dims: tuple[int, ...], elaborator: Elaborator) -> Iterator[Cure]:
    if any(d.severity == "error" and d.code.startswith(LANGUAGE) for d in elaborator.collector.diagnostics):
        return  # nodes that could not be read may show what the input is
    given = elaborator.document.inputs.get(name)
    if given is not None and given[1].constant and not elaborator.state.overridden:
        text = f"[{', '.join(map(str, dims))}]"
        yield Cure((Edit(given[1].span, text),), (WriteInput(name, dims),), certain=True)
