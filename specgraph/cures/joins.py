"""What may bring the inputs of an add or a concat to one type."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from specgraph.cures.cure import Cure, SetArgument, together
from specgraph.cures.edits import set_argument, source_names
from specgraph.cures.insertion import comes_of, enlarging_cures, flat_cures, other_cures, resize_cure, turning_cures
from specgraph.cures.pyramid import level_cures
from specgraph.cures.search import Step, argument_cures, chain_to, enlarges
from specgraph.cures.structure import block_inputs, can_be_measured, crop_cures, projection_cures, repair_cures
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.language.document import NodeDef

MAX_INPUTS = 32


def join_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """What may bring the inputs of a join to one type, the likeliest first."""
    types, nodes, written = trouble.types, elaborator.nodes, elaborator.paths.nodes
    if len(types) > MAX_INPUTS:
        return
    concat = trouble.rule == "concat-shape-mismatch"
    gated = any(kind.spatial_rank and set(kind.dims[1:]) == {1} for kind in types)
    yield from turning_cures(trouble, elaborator)
    yield from _tensor_cures(trouble, elaborator)
    if not all(kind.batched for kind in types):
        return  # a tensor that the network holds is what changes
    if concat:
        yield from _along_channels(trouble)
        yield from flat_cures(trouble, elaborator)
        yield from enlarging_cures(trouble, elaborator, nested=True)
    yield from level_cures(trouble, elaborator)
    if not concat:
        yield from repair_cures(trouble, elaborator.document)
    chains = [chain_to(path, nodes, written, alone=True) for path in trouble.inputs]
    if not concat and any(written.get(path) is trouble.definition for path in nodes):
        yield from _as_the_input(trouble, elaborator, chains)  # the block's number is right for another input
    decodes = any(map(enlarges, chains))
    differ = types[0].dims[0] != types[-1].dims[0] or _is_past_a_stride(trouble, nodes)
    if not concat and differ and not gated and not decodes:
        yield from projection_cures(trouble, elaborator.document, nodes)
    if not concat:
        yield from _gate(types, chains)
        yield from _as_the_input(trouble, elaborator, chains)
    found: list[tuple[int, Iterator[Cure]]] = []
    for target in _targets(types, concat):
        cures = _brought_to(target, trouble, elaborator, chains, concat)
        first = next(cures, None)
        if first is not None:
            found.append((_cost(first, written), chain((first,), cures)))
    for _, cures in sorted(found, key=lambda entry: entry[0]):
        yield from cures
    if concat:
        yield from other_cures(trouble, elaborator)
        yield from enlarging_cures(trouble, elaborator, nested=False)
        yield from crop_cures(trouble, elaborator.document)
    elif decodes:
        yield from enlarging_cures(trouble, elaborator, nested=False)
        yield from projection_cures(trouble, elaborator.document, nodes)
    else:
        yield from projection_cures(trouble, elaborator.document, nodes)
        yield from enlarging_cures(trouble, elaborator, nested=False)


def _along_channels(trouble: ShapeTrouble) -> Iterator[Cure]:
    """The channels in the place of another axis, where the inputs differ in nothing but these."""
    definition, types = trouble.definition, trouble.types
    given = definition.arguments.get("dim") if definition is not None else None
    if definition is None or given is None or not given[1].constant or len({kind.dims[1:] for kind in types}) != 1:
        return
    edit = set_argument(definition, "dim", 1)
    kind = Step(trouble.path, trouble.op, trouble.arguments, types, definition).output(types, {"dim": 1})
    if edit is not None and kind is not None:
        yield Cure((edit,), (SetArgument(trouble.path, "dim", 1),), kind, certain=True, here=trouble.path)


def _is_past_a_stride(trouble: ShapeTrouble, nodes: dict[str, Node]) -> bool:
    """Whether one of two maps comes of the other one, which is larger: a shortcut past a stride."""
    if len(trouble.types) != 2 or not all(kind.is_feature_map for kind in trouble.types):
        return False
    for index, kind in enumerate(trouble.types):
        pairs = list(zip(kind.dims[1:], trouble.types[1 - index].dims[1:], strict=False))
        smaller = all(isinstance(a, int) and isinstance(b, int) and a < b for a, b in pairs)
        if smaller and comes_of(trouble, index, nodes):
            return True
    return False


def _cost(cure: Cure, written: dict[str, NodeDef]) -> int:
    """How much a cure changes: another kernel is another network, a padding is what was forgotten, and a value that is
    not written is forgotten rather than one that is."""
    kernels = sum(change.argument == "kernel_size" for change in cure.arguments)
    return len(cure.edits) + 10 * kernels + sum(c.argument in written[c.path].arguments for c in cure.arguments)


def _tensor_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """The shape of a tensor of the network itself, such as a position embedding, that is summed with a value."""
    if len(trouble.types) != 2:
        return
    for index, path in enumerate(trouble.inputs):
        node, other = elaborator.nodes.get(path), trouble.types[1 - index]
        if node is None or node.inputs or node.output.rank != other.rank or len(node.output.dims) != len(other.dims):
            continue
        definition = elaborator.paths.nodes[path]
        dims = [b if a != 1 else 1 for a, b in zip(node.output.dims, other.dims, strict=True)]
        edit = set_argument(definition, "shape", dims) if all(isinstance(size, int) for size in dims) else None
        if edit is not None and "shape" in definition.arguments:
            kind = node.output.with_dims(tuple(dims))
            yield Cure((edit,), (SetArgument(path, "shape", dims),), kind, absolute=True)


def _brought_to(
    target: TensorType, trouble: ShapeTrouble, elaborator: Elaborator, chains: list[list[Step]], concat: bool
) -> Iterator[Cure]:
    """Changes that bring all inputs of a join to the type of one of them."""
    types = trouble.types

    def wanted(kind: TensorType) -> bool:
        return _agree(kind, target, concat) or (not concat and _is_mask(kind, target))

    odd = [index for index, kind in enumerate(types) if not wanted(kind)]
    hint = None if concat else target
    sizes = target.dims[1:] if target.spatial_rank else ()
    if len(odd) == 1:
        yield from argument_cures(chains[odd[0]], wanted, hint, sizes, rewrite=True)
        return
    each = [next(argument_cures(chains[index], wanted, hint, sizes, rewrite=True), None) for index in odd]
    if concat and target.spatial_rank and each.count(None) == 1:
        index = each.index(None)
        each[index] = resize_cure(trouble, elaborator, odd[index], target)
    found = [cure for cure in each if cure is not None]
    if len(found) == len(odd):
        yield together(found)


def _is_mask(kind: TensorType, target: TensorType) -> bool:
    """Whether a map has one value for each position of another one, as spatial attention has."""
    return bool(target.spatial_rank) and kind.dims == (1, *target.dims[1:])


def _gate(types: tuple[TensorType, ...], chains: list[list[Step]]) -> Iterator[Cure]:
    """The channels of an operand that is one value per channel (squeeze and excitation)."""
    small = [index for index, kind in enumerate(types) if kind.spatial_rank and set(kind.dims[1:]) == {1}]
    others = [kind for index, kind in enumerate(types) if index not in small]
    if len(small) == 1 and others and len({kind.dims[0] for kind in others}) == 1:
        target = types[small[0]].with_dims((others[0].dims[0], *types[small[0]].dims[1:]))
        yield from argument_cures(chains[small[0]], lambda kind: kind == target, target)


def _as_the_input(trouble: ShapeTrouble, elaborator: Elaborator, chains: list[list[Step]]) -> Iterator[Cure]:
    """The channels of a block's own input, measured, for a number of channels that stands inside the block."""
    definition = trouble.definition
    inputs = block_inputs(definition, elaborator.document) if definition is not None else []
    names = source_names(definition) if definition is not None else []
    if definition is None or len(names) != 2 or len(trouble.types) != 2:
        return
    for index, name in enumerate(names):
        channels = trouble.types[index].channels
        if name not in inputs or not can_be_measured(name) or not isinstance(channels, int):
            continue
        kind = trouble.types[1 - index]
        target = kind.with_dims((channels, *kind.dims[1:]))
        expression = f"$({name}.channels)"
        for step in chains[1 - index]:
            if block_inputs(step.definition, elaborator.document) != inputs or "out_channels" not in step.arguments:
                continue
            edit = set_argument(step.definition, "out_channels", expression)
            if edit is not None and step.output(step.types, {"out_channels": channels}) is not None:
                yield Cure((edit,), (SetArgument(step.path, "out_channels", expression),), target)
            break


def _targets(types: tuple[TensorType, ...], concat: bool) -> list[TensorType]:
    """Types that the others could be brought to, those of most inputs first."""
    votes = [sum(_agree(kind, other, concat) for other in types) for kind in types]
    order = sorted(range(len(types)), key=lambda index: (-votes[index], index))
    return [types[index] for index in order if not any(_agree(types[index], types[i], concat) for i in range(index))]


def _agree(left: TensorType, right: TensorType, concat: bool) -> bool:
    if len(left.dims) != len(right.dims):
        return False
    return left.dims[1:] == right.dims[1:] if concat else left.dims == right.dims
