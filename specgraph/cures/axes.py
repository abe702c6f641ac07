"""Cures of axis numbers and of values per axis: the batch axis left out or touched, a kernel with a value too many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specgraph.cures.cure import Cure, SetArgument
from specgraph.cures.edits import set_argument
from specgraph.cures.search import Step
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.kinds.kinds import Padding, PerAxis
from specgraph.ops.registry import ops

IMAGE_CHANNELS = (1, 3)


def axis_cures(trouble: ShapeTrouble) -> Iterator[Cure]:
    """An order of axes that leaves the batch axis out, and axis 1 for an axis 0 that is the batch axis."""
    definition, name = trouble.definition, trouble.argument
    given = definition.arguments.get(name) if definition is not None and name is not None else None
    if definition is None or name is None or given is None or not given[1].constant:
        return
    value: Any = given[1].value
    if trouble.rule == "batch-axis-touched":
        yield from _set(trouble, name, 1) if value == 0 else ()
    elif isinstance(value, list) and sorted(value, key=str) == list(range(len(value))):
        yield from _set(trouble, name, [0, *(axis + 1 for axis in value)])


def kernel_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """One value for all axes, where a list of equal values has another number of them than an image has axes."""
    definition, name = trouble.definition, trouble.argument
    given = definition.arguments.get(name) if definition is not None and name is not None else None
    kind = trouble.types[0] if trouble.types else None
    if definition is None or name is None or given is None or kind is None or not given[1].constant:
        return
    if not isinstance(ops()[trouble.op].arguments[name].kind, PerAxis | Padding):
        return
    value = given[1].value
    sides = kind.dims[1:]
    image = kind.spatial_rank == 2 and kind.dims[0] in IMAGE_CHANNELS and len(set(sides)) == 1
    inside = elaborator.inputs.keys().isdisjoint(trouble.inputs)
    if isinstance(value, list) and value and len(set(map(str, value))) == 1 and (image or inside):
        yield from _set(trouble, name, value[0])


def _set(trouble: ShapeTrouble, name: str, value: Any) -> Iterator[Cure]:
    definition = trouble.definition
    assert definition is not None
    edit = set_argument(definition, name, value)
    step = Step(trouble.path, trouble.op, trouble.arguments, trouble.types, definition)
    kind = step.output(step.types, {name: tuple(value) if isinstance(value, list) else value})
    if edit is not None:
        change = SetArgument(trouble.path, name, value)
        yield Cure((edit,), (change,), kind, "nearest" if kind is not None else "largest", here=trouble.path)
