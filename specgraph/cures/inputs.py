"""Cures of an input's shape: another order of its axes, a channel axis that is missing, a batch axis too many."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import Any

from specgraph.cures.cure import Cure, WriteInput
from specgraph.diagnostics.model import Edit
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.ops.registry import behaviour_of

CHANNELS_OF_IMAGES = (1, 3)
SMALLEST_IMAGE = 8
ODD_KERNELS = (1, 3, 5, 7)
LANGUAGE = "SG2"


def order_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """An input whose channels stand among its spatial axes, where a window does not fit because of that."""
    name, dims = _only_input(elaborator)
    if len(dims) == 4 and dims[3] in CHANNELS_OF_IMAGES and dims[1] == dims[2] and dims[1] > dims[3]:
        yield from _written(name, (dims[3], *dims[1:3]), elaborator)
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
            for meant in _as_maps(dims[0], trouble):
                yield from _written(name, meant, elaborator)
        return
    sides = {len(value) for value in trouble.arguments.values() if isinstance(value, tuple | list)}
    if sides == {len(dims)}:
        yield from _written(name, (1, *dims), elaborator)
    elif sides == {len(dims) - 2}:
        if dims[-1] in CHANNELS_OF_IMAGES and dims[1] == dims[2] and dims[1] > dims[-1]:
            yield from _written(name, (dims[-1], *dims[1:-1]), elaborator)
        grey = dims[0] in CHANNELS_OF_IMAGES and dims[1] not in CHANNELS_OF_IMAGES
        for axis in (1, 0) if grey else (0, 1):
            yield from _written(name, (*dims[:axis], *dims[axis + 1 :]), elaborator)


def _as_maps(size: int, trouble: ShapeTrouble) -> Iterator[tuple[int, ...]]:
    """What a vector may be for an op that takes maps: noise of a generator, a square image row by row, a signal."""
    sides = {len(value) for value in trouble.arguments.values() if isinstance(value, tuple | list)}
    if behaviour_of(trouble.op).reach == "transposed":
        yield (size, *[1] * (sides.pop() if len(sides) == 1 else 2))
    kernel = trouble.arguments.get("kernel_size")
    if sides == {2} or (not sides and isinstance(kernel, int) and kernel in ODD_KERNELS):
        for channels in CHANNELS_OF_IMAGES:
            side = isqrt(size // channels)
            plain = channels > 1 or side.bit_count() > 1 or sides == {2}  # signals are as long as powers of two
            if side >= SMALLEST_IMAGE and channels * side * side == size and plain:
                yield (channels, side, side)
    yield (1, size)


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
