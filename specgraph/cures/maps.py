"""Cures of maps that come out too small further up: for a window that does not fit, or a size that is stated."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from specgraph.cures.cure import Cure, SetArgument, TakeOut
from specgraph.cures.edits import set_argument
from specgraph.cures.inputs import CHANNELS_OF_IMAGES
from specgraph.cures.removal import Removals
from specgraph.cures.search import LARGEST_WINDOW, Step, chain_to, padding_cures
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.graph.types import TensorType
from specgraph.language.document import NodeDef
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
    if definition is not None and len(sizes) == 2 and sizes[0] == -1 and len(numbers) == 1:
        yield from _one_size(trouble, definition)  # the author's -1 is the batch
    if definition is None or len(numbers) < len(sizes):
        return
    taken = prod(numbers)
    yield from padding_cures(_chain_before(trouble, elaborator), lambda kind: _num_values(kind) == taken)
    values = _num_values(trouble.types[0])
    squares = _square_maps(trouble, definition, numbers, values) if len(sizes) > 1 else iter(())
    if sizes[0] not in CHANNELS_OF_IMAGES:  # the side of an image is given, that of other maps is counted
        yield from squares
    chain = _chain_before(trouble, elaborator)
    for number, before in enumerate(chain if len(sizes) > 1 else []):
        if "out_features" in before.definition.arguments:
            kind = _through(chain[:number], before.output(before.types, {"out_features": taken}))
            written = set_argument(before.definition, "out_features", taken)
            if kind is not None and _num_values(kind) == taken and written is not None:
                yield Cure((written,), (SetArgument(before.path, "out_features", taken),), kind)
            break
    yield from squares
    if len(sizes) == 1:
        yield from _one_size(trouble, definition)


def _one_size(trouble: ShapeTrouble, definition: NodeDef) -> Iterator[Cure]:
    """A vector of all values."""
    values = _num_values(trouble.types[0])
    edit = set_argument(definition, "shape", [values]) if values is not None else None
    if edit is not None:
        step = Step(trouble.path, trouble.op, trouble.arguments, trouble.types, definition)
        kind = step.output(step.types, {"shape": (values,)})
        yield Cure((edit,), (SetArgument(trouble.path, "shape", [values]),), kind, certain=True, here=trouble.path)


def _square_maps(trouble: ShapeTrouble, definition: NodeDef, sizes: list[int], values: int | None) -> Iterator[Cure]:
    """The side of square maps for the same number of channels that takes all values."""
    rank = len(sizes) - 1
    if values is None or rank not in (1, 2, 3) or len(set(sizes[1:])) > 1 or values % sizes[0]:
        return
    side = round((values // sizes[0]) ** (1 / rank))
    shape = [sizes[0], *[side] * rank]
    edit = set_argument(definition, "shape", shape) if prod(shape) == values else None
    if edit is not None:
        step = Step(trouble.path, trouble.op, trouble.arguments, trouble.types, definition)
        kind = step.output(step.types, {"shape": tuple(shape)})
        yield Cure((edit,), (SetArgument(trouble.path, "shape", shape),), kind, here=trouble.path)


def unflattened_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """A flatten that comes too early for a node that needs a map is taken out."""
    if trouble.rule != "wrong-rank" or trouble.definition is None:
        return
    removals = Removals(elaborator.document)
    for step in _chain_before(trouble, elaborator):
        if step.behaviour.view == "merged":
            fix = removals.node(step.definition) if step.types[0].spatial_rank else None
            if fix is not None:
                yield Cure(fix.edits, (TakeOut(step.path),), step.types[0], certain=True)
            return
        if not step.behaviour.pointwise and not step.behaviour.training_only:
            return


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
