"""Cures of maps that come out too small further up: for a window that does not fit, or a size that is stated."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from specgraph.cures.cure import Cure, SetArgument, TakeOut
from specgraph.cures.edits import set_argument
from specgraph.cures.removal import Removals
from specgraph.cures.search import LARGEST_WINDOW, Step, chain_to, padding_cures
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.graph.types import TensorType
from specgraph.ops.registry import behaviour_of

CUSTOMARY_STRIDE = 2


def larger_map_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """What leaves a larger map for a window that does not fit: the usual padding of all convolutions, an unusual
    stride less, a pooling less."""
    chain = _chain_before(trouble, elaborator)
    definition = trouble.definition
    if definition is None or not chain:
        return
    step = Step(trouble.path, trouble.op, trouble.arguments, trouble.types, definition)

    def fits(kind: TensorType) -> bool:
        return step.output((kind,)) is not None

    yield from padding_cures(chain, fits)
    for number, before in reversed(list(enumerate(chain))):
        given = before.definition.arguments.get("stride")
        if given is None or not before.behaviour.convolves or _largest(before.arguments["stride"]) <= CUSTOMARY_STRIDE:
            continue
        for stride in (1, 2):
            kind = _through(chain[:number], before.output(before.types, {"stride": stride}))
            edit = set_argument(before.definition, "stride", stride)
            if kind is not None and fits(kind) and edit is not None:
                yield Cure((edit,), (SetArgument(before.path, "stride", stride),), kind)
    removals = Removals(elaborator.document)
    fix = removals.node(definition) if behaviour_of(trouble.op).pools_windows else None
    if fix is not None:
        yield Cure(fix.edits, (TakeOut(trouble.path),), trouble.types[0])
    for number, before in enumerate(chain):
        kind = _through(chain[:number], before.types[0]) if before.behaviour.pools_windows else None
        fix = removals.node(before.definition) if kind is not None and fits(kind) else None
        if fix is not None:
            yield Cure(fix.edits, (TakeOut(before.path),), kind)


def reshape_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """The usual padding of convolutions that gives as many values as a reshape takes, else their number."""
    shape, definition = trouble.arguments.get("shape"), trouble.definition
    sizes = list(shape) if isinstance(shape, tuple | list) else [shape]
    numbers = [size for size in sizes if isinstance(size, int) and size > 0]
    if definition is None or len(numbers) < len(sizes):
        return
    taken = prod(numbers)
    yield from padding_cures(_chain_before(trouble, elaborator), lambda kind: _num_values(kind) == taken)
    values = _num_values(trouble.types[0])
    edit = set_argument(definition, "shape", [values]) if len(sizes) == 1 and values is not None else None
    if edit is not None:
        step = Step(trouble.path, trouble.op, trouble.arguments, trouble.types, definition)
        kind = step.output(step.types, {"shape": (values,)})
        yield Cure((edit,), (SetArgument(trouble.path, "shape", [values]),), kind, certain=True, here=trouble.path)


def stated_by_padding(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """The usual padding of convolutions that gives as many features as are stated."""
    stated = trouble.arguments.get("in_features")
    if isinstance(stated, int):
        chain = _chain_before(trouble, elaborator)
        yield from padding_cures(chain, lambda kind: kind.rank == 1 and kind.dims[0] == stated)


def _chain_before(trouble: ShapeTrouble, elaborator: Elaborator) -> list[Step]:
    if len(trouble.inputs) != 1:
        return []
    return chain_to(trouble.inputs[0], elaborator.nodes, elaborator.paths.nodes)


def _through(steps: list[Step], kind: TensorType | None) -> TensorType | None:
    """What comes out of steps, the last first."""
    for step in reversed(steps):
        kind = step.output((kind,)) if kind is not None else None
    return kind


def _num_values(kind: TensorType) -> int | None:
    sizes = [size for size in kind.dims if isinstance(size, int)]
    return prod(sizes) if len(sizes) == kind.rank else None


def _largest(value: object) -> int:
    sizes = value if isinstance(value, tuple) else (value,)
    return max((size for size in sizes if isinstance(size, int) and size <= LARGEST_WINDOW), default=0)
