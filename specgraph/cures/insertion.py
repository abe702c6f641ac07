"""Cures that put a node between a node at fault and what it reads: a shape for a gate, a resize, an order of axes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specgraph.cures.cure import Cure, PutNode, PutTokens, ReadOther
from specgraph.cures.edits import insert_before, rename_source, source_names
from specgraph.cures.search import chain_to
from specgraph.cures.structure import FLATTEN, PERMUTE, RESHAPE, UPSAMPLE, free_name, home_of
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.graph.dims import product
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.language.document import NodeDef
from specgraph.ops.fault import Fault
from specgraph.ops.infer import infer
from specgraph.ops.registry import behaviour_of, ops

TURNED = [0, 2, 1]
CHANNELS_FIRST = [0, 3, 1, 2]
DIGITS = re.compile(r"[0-9]+")


def gate_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """Axes of size 1 for a vector of channels that joins a map (squeeze and excitation)."""
    kinds = trouble.types
    if len(kinds) != 2:
        return
    for index, kind in enumerate(kinds):
        other = kinds[1 - index]
        if kind.rank == 1 and other.spatial_rank and kind.dims[0] in (other.channels, 1):
            shape = [-1, *[1] * other.spatial_rank]
            yield from put(trouble, elaborator, trouble.definition, index, RESHAPE, {"shape": shape})


def enlarging_cures(trouble: ShapeTrouble, elaborator: Elaborator, *, nested: bool) -> Iterator[Cure]:
    """A resize of the operand whose map is a whole number of times smaller; `nested`: only where it comes of the
    larger one, as in a decoder."""
    sizes = [kind.dims[1:] for kind in trouble.types]
    if not all(kind.spatial_rank for kind in trouble.types) or len({len(size) for size in sizes}) != 1:
        return
    odd = [index for index, size in enumerate(sizes) if sizes.count(size) == 1]
    for index in odd if len(sizes) > 2 else sorted(odd, key=lambda each: str(sizes[each])):
        others = {size for position, size in enumerate(sizes) if position != index}
        arguments = _enlarged(sizes[index], others.pop()) if len(others) == 1 else None
        if arguments is None or (nested and not comes_of(trouble, index, elaborator.nodes)):
            continue
        for cure in put(trouble, elaborator, trouble.definition, index, UPSAMPLE, arguments):
            yield cure._replace(absolute="size" in arguments)


def resize_cure(trouble: ShapeTrouble, elaborator: Elaborator, index: int, target: TensorType) -> Cure | None:
    """A resize of one operand to the map of another."""
    arguments = _enlarged(trouble.types[index].dims[1:], target.dims[1:])
    if arguments is None:
        return None
    cure = next(put(trouble, elaborator, trouble.definition, index, UPSAMPLE, arguments), None)
    return None if cure is None else cure._replace(absolute="size" in arguments)


def flat_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """A flatten of the one map that is joined with vectors."""
    maps = [index for index, kind in enumerate(trouble.types) if kind.spatial_rank]
    if len(maps) == 1 and all(kind.rank == 1 for index, kind in enumerate(trouble.types) if index not in maps):
        yield from put(trouble, elaborator, trouble.definition, maps[0], FLATTEN, {})


def other_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """Another node than the operand that has the wrong size: one of the same op, whose name differs in a number."""
    definition, kinds = trouble.definition, trouble.types
    names = source_names(definition) if definition is not None else []
    if definition is None or len(names) != 2 or len(kinds) != 2 or not all(kind.spatial_rank for kind in kinds):
        return
    scope = trouble.path.rpartition(".")[0]
    for index, path in enumerate(trouble.inputs):
        operand, wanted = elaborator.nodes.get(path), kinds[1 - index].dims[1:]
        if operand is None or not DIGITS.search(names[index]):
            continue
        for other in elaborator.nodes.values():
            head, _, last = other.path.rpartition(".")
            alike = head == scope and other.op == operand.op and last not in names
            if alike and DIGITS.sub("0", last) == DIGITS.sub("0", names[index]) and other.output.dims[1:] == wanted:
                edit = rename_source(definition, index, last)
                if edit is not None and other.output.spatial_rank:
                    yield Cure((edit,), (ReadOther(names[index], last),), other.output)


def turning_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """The other order of the two axes of an operand, with which it fits the others."""
    kinds = trouble.types
    if len(kinds) == 2 and all(kind.rank == 3 for kind in kinds):
        for index, kind in enumerate(kinds):
            if kind.dims[-1:] + kind.dims[:-1] == kinds[1 - index].dims and not kind.spatial_rank:
                yield from put(trouble, elaborator, trouble.definition, index, PERMUTE, {"dims": CHANNELS_FIRST})
    if len(kinds) < 2 or any(kind.rank != 2 for kind in kinds):
        return
    joined = trouble.arguments.get("dim")
    for index, kind in enumerate(kinds):
        turned, others = kind.dims[::-1], [other.dims for place, other in enumerate(kinds) if place != index]
        kept = [axis for axis in (0, 1) if axis + 1 != joined and axis - 2 != joined]
        if turned != kind.dims and all(turned[axis] == other[axis] for other in others for axis in kept):
            yield from put(trouble, elaborator, trouble.definition, index, PERMUTE, {"dims": TURNED})


def turned_tokens(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """The other order of the axes of tokens, whose number stands where their features belong: where they come up."""
    kind, heads = trouble.types[0], trouble.arguments.get("num_heads")
    if kind.rank != 2 or not isinstance(heads, int) or heads < 2 or not isinstance(kind.dims[0], int):
        return
    if kind.dims[0] % heads or len(trouble.inputs) != 1:
        return
    first, read = trouble.definition, trouble.inputs[0]
    for step in chain_to(trouble.inputs[0], elaborator.nodes, elaborator.paths.nodes, alone=True):
        if len(step.types) != 1 or step.types[0].dims != kind.dims or step.behaviour.view != "none":
            break
        first, read = step.definition, elaborator.nodes[step.path].inputs[0]
    for cure in put(trouble, elaborator, first, 0, PERMUTE, {"dims": TURNED}):
        yield cure._replace(changes=(PutNode(read, {"op": PERMUTE, "dims": TURNED}),))


def token_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """The tokens of a map, for an attention that reads the map itself: its positions become one axis, then come first.

    Norms and dropouts before the attention take tokens too, and so do the blocks that the map goes into.
    """
    kind = trouble.types[0]
    if behaviour_of(trouble.op).joins != "queries" or not kind.spatial_rank or len(trouble.inputs) != 1:
        return
    reader, read = trouble.path, trouble.inputs[0]
    for step in chain_to(read, elaborator.nodes, elaborator.paths.nodes):
        of_features = step.behaviour.mixes is not None or step.behaviour.training_only
        if not of_features or len(step.types) != 1 or step.types[0].dims != kind.dims:
            break
        reader, read = step.path, elaborator.nodes[step.path].inputs[0]
    scope = read.rpartition(".")[0]
    outer = reader[: reader.find(".", len(scope) + 1 if scope else 0)] if reader.rpartition(".")[0] != scope else ""
    definition = elaborator.paths.containers.get(outer) if outer else elaborator.paths.nodes.get(reader)
    definition = trouble.definition if reader == trouble.path and not outer else definition
    body = home_of(definition, elaborator.document) if definition is not None else None
    if definition is None or body is None:
        return
    names = source_names(definition)
    if len(names) > 1 or (names and body.is_chain):
        return
    steps: list[dict[str, Any]] = [{"op": FLATTEN, "start_dim": 2}, {"op": PERMUTE, "dims": TURNED}]
    tokens = _output(PERMUTE, kind.with_dims((kind.dims[0], product(kind.dims[1:]))), {"dims": TURNED})
    name = None if body.is_chain else free_name(body, "tokens", definition)
    first = insert_before(definition, name, [{**steps[0], **({"from": names[0]} if names else {})}, steps[1]])
    if tokens is None or first is None:
        return
    readers = [(definition, 0)] if names and name is not None else []
    later = body.nodes[body.nodes.index(definition) + 1 :] if readers else []
    others = [(node, index) for node in later for index, source in enumerate(source_names(node)) if source == names[0]]
    for those in (readers + others, readers) if others else (readers,):
        edits = [rename_source(node, index, str(name)) for node, index in those]
        found = tuple(edit for edit in edits if edit is not None)
        if len(found) == len(edits):
            yield Cure((first, *found), (PutTokens(read, tuple(steps)),), tokens)


def put(
    trouble: ShapeTrouble,
    elaborator: Elaborator,
    definition: NodeDef | None,
    index: int,
    op: str,
    arguments: dict[str, Any],
) -> Iterator[Cure]:
    """A node of an op between a node and its input number `index`."""
    body = home_of(definition, elaborator.document) if definition is not None else None
    if definition is None or body is None:
        return
    names = source_names(definition)
    kind = _output(op, trouble.types[index], arguments)
    if kind is None or (not names and index) or index >= max(1, len(names)):
        return
    name = None if body.is_chain else free_name(body, _wish(op), definition)
    if names and name is None:
        return
    read = {"from": names[index]} if names else {}
    edits = [insert_before(definition, name, {"op": op, **read, **arguments})]
    if names and name is not None:
        edits.append(rename_source(definition, index, name))
    found = tuple(edit for edit in edits if edit is not None)
    if len(found) == len(edits):
        operand = names[index] if names else trouble.inputs[index]
        yield Cure(found, (PutNode(operand, {"op": op, **arguments}),), kind)


def _wish(op: str) -> str:
    return {RESHAPE: "gate_map", PERMUTE: "turned"}.get(op, op)


def _enlarged(small: tuple[Any, ...], large: tuple[Any, ...]) -> dict[str, Any] | None:
    """The arguments of a resize from one size of map to a larger one."""
    if not all(isinstance(size, int) for size in (*small, *large)) or small == large:
        return None
    factors = {b // a if b % a == 0 else 0 for a, b in zip(small, large, strict=True)}
    if set(small) == {1}:
        return {"size": large[0] if len(set(large)) == 1 else list(large)}
    factor = factors.pop() if len(factors) == 1 else 0
    return {"scale_factor": factor} if factor > 1 else None


def comes_of(trouble: ShapeTrouble, index: int, nodes: dict[str, Node]) -> bool:
    """Whether an operand is computed from another one."""
    others = {path for place, path in enumerate(trouble.inputs) if place != index}
    path, steps = trouble.inputs[index], 0
    while path in nodes and nodes[path].inputs and steps < 10_000:
        path = nodes[path].inputs[0]
        steps += 1
        if path in others:
            return behaviour_of(trouble.op).joins != "none"
    return False


def _output(op: str, kind: TensorType, arguments: dict[str, Any]) -> TensorType | None:
    definition = ops()[op]
    canonical = {name: tuple(value) if isinstance(value, list) else value for name, value in arguments.items()}
    filled = {name: argument.default for name, argument in definition.arguments.items()} | canonical
    try:
        return infer(definition, (kind,), filled).output
    except Fault:
        return None
