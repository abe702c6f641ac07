"""Levels of a pyramid or decoder that are summed without a resize: the smaller one is enlarged, no stride changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specgraph.cures.cure import Cure
from specgraph.cures.edits import source_names
from specgraph.cures.insertion import comes_of, put
from specgraph.cures.pointwise import names_read
from specgraph.cures.structure import UPSAMPLE, home_of, is_pointwise
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.language.document import Body, NodeDef
from specgraph.ops.registry import behaviour_of

MAX_STEPS = 12
MOST_HALVINGS = 5


def level_cures(trouble: ShapeTrouble, elaborator: Elaborator) -> Iterator[Cure]:
    """A resize of the smaller of two maps that are levels: it is read elsewhere too, comes of a join of its size,
    the sum goes on to a map that is larger still, or convolutions of single positions are joined and
    convolved. The end of a branch with a stride is none of these."""
    definition, kinds = trouble.definition, trouble.types
    body = home_of(definition, elaborator.document) if definition is not None else None
    names = source_names(definition) if definition is not None else []
    if definition is None or body is None or body.is_chain or len(kinds) != 2 or len(names) != 2:
        return
    summed = behaviour_of(trouble.op).joins != "axis"
    if not all(kind.is_feature_map for kind in kinds) or (summed and kinds[0].dims[0] != kinds[1].dims[0]):
        return
    for small in (0, 1):
        arguments = _enlarged(kinds[small].dims[1:], kinds[1 - small].dims[1:])
        if arguments is None or comes_of(trouble, 1 - small, elaborator.nodes):
            continue
        scope = trouble.path.rpartition(".")[0]
        if (
            _is_read_elsewhere(names[small], definition, body, elaborator)
            or _comes_of_a_level(trouble.inputs[small], elaborator)
            or _are_laterals(trouble, definition, body, elaborator)
            or _goes_on(definition, body, scope, kinds[1 - small].dims[1:], elaborator)
        ):
            for cure in put(trouble, elaborator, definition, small, UPSAMPLE, arguments):
                yield cure._replace(absolute="size" in arguments, certain=True)


def _enlarged(small: tuple[Any, ...], large: tuple[Any, ...]) -> dict[str, Any] | None:
    """The arguments of a resize between maps that halvings lie between; the size where one of them rounded."""
    if len(small) != len(large) or not all(isinstance(size, int) for size in (*small, *large)):
        return None
    for halvings in range(1, MOST_HALVINGS + 1):
        factor = 2**halvings
        if all(a * factor == b for a, b in zip(small, large, strict=True)):
            return {"scale_factor": factor}
        if all(b // factor <= a <= -(-b // factor) for a, b in zip(small, large, strict=True)) and min(small) > 1:
            return {"size": large[0] if len(set(large)) == 1 else list(large)}
    return None


def _is_read_elsewhere(name: str, join: NodeDef, body: Body, elaborator: Elaborator) -> bool:
    """Whether another node than the join reads a node, or it is an output of the network."""
    document = elaborator.document
    if any(node is not join and name in names_read(node, body) for node in body.nodes):
        return True
    outputs = document.outputs.value if document.outputs is not None and document.outputs.constant else []
    listed = outputs.values() if isinstance(outputs, dict) else outputs if isinstance(outputs, list) else [outputs]
    return body is document.body and name in map(str, listed)


def _comes_of_a_level(path: str, elaborator: Elaborator) -> bool:
    """Whether a map comes of a join through nodes that keep its size."""
    node = elaborator.nodes.get(path)
    sizes = node.output.dims[1:] if node is not None else ()
    for _ in range(MAX_STEPS):
        if node is None or node.output.dims[1:] != sizes:
            return False
        if behaviour_of(node.op).joins in ("sum", "axis"):
            return True
        node = elaborator.nodes.get(node.inputs[0]) if len(node.inputs) == 1 else None
    return False


def _are_laterals(trouble: ShapeTrouble, join: NodeDef, body: Body, elaborator: Elaborator) -> bool:
    """Whether both maps come out of convolutions of single positions, and a convolution reads their sum as it is."""
    operands = [elaborator.paths.nodes.get(path) for path in trouble.inputs]
    if not all(operand is not None and is_pointwise(operand) for operand in operands):
        return False
    readers = [node for node in body.nodes if node is not join and join.name in names_read(node, body)]
    targets = [node.target.value if node.target is not None and node.kind == "op" else None for node in readers]
    return bool(readers) and all(isinstance(op, str) and behaviour_of(op).convolves for op in targets)


def _goes_on(join: NodeDef, body: Body, scope: str, sizes: tuple[Any, ...], elaborator: Elaborator) -> bool:
    """Whether a sum, whose maps have these sizes, is joined further on with a map that is larger still."""
    current = join
    for _ in range(MAX_STEPS):
        following = [node for node in body.nodes if node is not current and current.name in names_read(node, body)]
        for node in following:
            for name in names_read(node, body):
                other = elaborator.nodes.get(f"{scope}.{name}" if scope else name)
                if other is not None and other.output.spatial_rank and _larger(other.output.dims[1:], sizes):
                    return True
        if len(following) != 1:
            return False
        (current,) = following
    return False


def _larger(sizes: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    pairs = list(zip(sizes, others, strict=False))
    return len(sizes) == len(others) and all(isinstance(a, int) and isinstance(b, int) and a > b for a, b in pairs)
