"""Where the batch lies in a value of an ONNX file: in front, after other axes, or in one axis with others (see
`placed`). A file says nothing of it: views and transpositions move it about from the inputs on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any

import numpy as np

from specgraph.graph.dims import SymbolicDim
from specgraph.importers.constants import integers
from specgraph.importers.flat import Refusal
from specgraph.importers.folding import SAMPLE
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.placed import IN_FRONT, ON_BATCH, Placed, reshaped, settled
from specgraph.importers.raiser import Raise, Raiser
from specgraph.importers.row_patterns import COMPOSED
from specgraph.ops.registry import ops
from specgraph.ops.rows import rows

FREE_BATCH = 2_147_483_629
"""Stands for a batch whose size the file leaves free: a prime that no size of a network has."""
Move = Callable[[Raiser, OnnxNode, Placed, list[int]], tuple[Placed, list[int]] | None]


def wherever(op_type: str, handler: Raise) -> Raise:
    """A handler that also takes values whose batch is not in front, and tells where the result's is."""

    def handle(raiser: Raiser, node: OnnxNode) -> None:
        placed = [value for value in node.inputs if value in raiser.places]
        if op_type in MOVES and _moved(raiser, node, MOVES[op_type]):
            return
        if placed or op_type in JOINING:
            _lifted(raiser, node, handler, placed)
        else:
            handler(raiser, node)

    if op_type in OWN_WAY:
        return handler
    return handle if op_type in MOVES or op_type in JOINING or _lifts(op_type) else _in_front(handler)


def _in_front(handler: Raise) -> Raise:
    def handle(raiser: Raiser, node: OnnxNode) -> None:
        if any(value in raiser.places for value in node.inputs):
            raise Refusal(IN_FRONT)
        handler(raiser, node)

    return handle


def _batch(raiser: Raiser) -> int:
    return raiser.batch_size or FREE_BATCH


def _place(raiser: Raiser, value: str) -> Placed | None:
    if value in raiser.places:
        return raiser.places[value]
    return Placed(raiser.paths[value], 0) if value in raiser.paths else None


def _sizes(raiser: Raiser, path: str) -> list[int] | None:
    """Sizes of a node's value without the batch, if all are known."""
    dims = raiser.type_of(path).dims
    known = [dim for dim in dims if isinstance(dim, int)]
    return known if len(known) == len(dims) else None


def _moved(raiser: Raiser, node: OnnxNode, move: Move) -> bool:
    """Whether a view or transposition has a batch that is not in front, before or after it: then it is done here."""
    place = _place(raiser, node.inputs[0]) if raiser.batched else None
    sizes = _sizes(raiser, place.path) if place is not None else None
    if place is None or sizes is None:
        return False
    found = move(raiser, node, place, sizes)
    if found is None:
        if place.in_front or node.op_type in AXIS:
            return False
        raise Refusal("it takes the batch axis apart")
    new, wanted = found
    if place.in_front and new.in_front:
        return False
    if new.path == place.path and wanted != sizes:
        op, arguments = reshaped(wanted)
        new = new._replace(path=raiser.add(node, op, [place.path], arguments))
        raiser.paths.pop(node.outputs[0])
    raiser.keep(node.outputs[0], settled(new))
    return True


def _viewed(raiser: Raiser, place: Placed, sizes: list[int], shape: list[int]) -> tuple[Placed, list[int]] | None:
    batch = _batch(raiser)
    if -1 in shape:
        rest = -prod(shape)
        if rest <= 0 or prod(sizes) * batch % rest:
            return None
        shape = [prod(sizes) * batch // rest if size == -1 else size for size in shape]
    axis = place.batch_axis(sizes, shape, batch)
    return None if axis is None else place.viewed(sizes, shape, axis, batch)


def _reshape(raiser: Raiser, node: OnnxNode, place: Placed, sizes: list[int]) -> tuple[Placed, list[int]] | None:
    wanted = raiser.constant(node, 1)
    if wanted is None:
        return None
    before = place.shape(sizes, _batch(raiser))
    shape = []
    for position, size in enumerate(wanted.ravel()):
        number = size.evaluate({"N": _batch(raiser)}) if isinstance(size, SymbolicDim) and _of_batch(size) else size
        if isinstance(number, SymbolicDim):
            return None
        whole = int(number)
        if whole == 0 and not node.attributes.get("allowzero", 0) and position < len(before):
            whole = before[position]
        shape.append(whole)
    return _viewed(raiser, place, sizes, shape)


def _of_batch(size: SymbolicDim) -> bool:
    return size.symbols() == {"N"}


def _flatten(raiser: Raiser, node: OnnxNode, place: Placed, sizes: list[int]) -> tuple[Placed, list[int]] | None:
    before = place.shape(sizes, _batch(raiser))
    axis = int(node.attributes.get("axis", 1))
    axis += len(before) if axis < 0 else 0
    return _viewed(raiser, place, sizes, [prod(before[:axis]), prod(before[axis:])])


def _squeeze(raiser: Raiser, node: OnnxNode, place: Placed, sizes: list[int]) -> tuple[Placed, list[int]] | None:
    before = place.shape(sizes, _batch(raiser))
    axes = _axes(raiser, node)
    if axes is None or any(before[axis] != 1 for axis in axes):
        return None
    gone = {axis % len(before) for axis in axes}
    return _viewed(raiser, place, sizes, [size for axis, size in enumerate(before) if axis not in gone])


def _unsqueeze(raiser: Raiser, node: OnnxNode, place: Placed, sizes: list[int]) -> tuple[Placed, list[int]] | None:
    shape = list(place.shape(sizes, _batch(raiser)))
    axes = _axes(raiser, node) or []
    for axis in sorted(axis % (len(shape) + len(axes)) for axis in axes):
        shape.insert(axis, 1)
    return _viewed(raiser, place, sizes, shape)


def _axes(raiser: Raiser, node: OnnxNode) -> list[int] | None:
    given = raiser.constant(node, 1)
    return integers(given) if given is not None else node.attributes.get("axes")


def _transpose(raiser: Raiser, node: OnnxNode, place: Placed, sizes: list[int]) -> tuple[Placed, list[int]] | None:
    rank = place.rank(sizes)
    order = [int(axis) for axis in node.attributes.get("perm") or reversed(range(rank))]
    if sorted(order) != list(range(rank)):
        return None
    new, own = place.turned(order)
    if place.in_front and new.in_front:
        return new, sizes
    wanted = [sizes[axis] for axis in own]
    if own == list(range(len(own))):
        return new, wanted
    path = raiser.add(node, "permute", [place.path], {"dims": [0, *(axis + 1 for axis in own)]})
    raiser.paths.pop(node.outputs[0])
    return new._replace(path=path), wanted


def _gathered(raiser: Raiser, node: OnnxNode, place: Placed, sizes: list[int]) -> tuple[Placed, list[int]] | None:
    """All of a row in its order, as another shape: what exporters make of a view with strides."""
    indices = raiser.constant(node, 1)
    if indices is None or place.rank(sizes) != 1 or indices.size < 2:
        return None
    shape = list(indices.shape)
    if indices.dtype == object:
        wanted = [prod(sizes) * SAMPLE + number for number in range(prod(sizes))]
        (axis,) = raiser.folder.repeated.get(node.inputs[1], frozenset((0,)))
        shape[axis] = _batch(raiser)
    else:
        wanted = list(range(prod(sizes) * (raiser.batch_size or 0)))
    if list(indices.ravel()) != wanted:
        return None
    return _viewed(raiser, place, sizes, shape)


MOVES: dict[str, Move] = {
    "Gather": _gathered,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
}
"""Ops that only move or join axes: the place of the result, and the sizes of its node's value."""


def _lifted(raiser: Raiser, node: OnnxNode, handler: Raise, placed: list[str]) -> None:
    """A node on values whose batch is elsewhere, as the same node on the values of their nodes."""
    data = [value for value in node.inputs if value in raiser.paths or value in raiser.places]
    places = {value: place for value in data if (place := _place(raiser, value)) is not None}
    known = {value: _sizes(raiser, place.path) for value, place in places.items()}
    if not raiser.batched or not places or None in known.values():
        if placed:
            raise Refusal(IN_FRONT)
        handler(raiser, node)
        return
    sizes = {value: found for value, found in known.items() if found is not None}
    ranks = {value: place.rank(sizes[value]) for value, place in places.items()}
    if placed and len({(ranks[v] - place.axis, place.inside(sizes[v])) for v, place in places.items()}) > 1:
        raise Refusal("it joins values whose batches are along different axes")
    first = max(places, key=lambda value: ranks[value])
    place, rank = places[first], ranks[first]
    if placed and (_reaches_batch(raiser, node, place, rank) or not _is_pointwise(node)):
        raise Refusal(ON_BATCH)
    changed = _with_own_axes(raiser, node, place, rank) if placed else node
    if node.op_type in JOINING and (rank > 2 or node.op_type != "MatMul"):
        changed = _with_own_constants(raiser, changed, place, sizes[first])
    if not placed:
        handler(raiser, changed)
        return
    before = {value: raiser.paths.get(value) for value in placed}
    try:
        raiser.paths.update({value: places[value].path for value in placed})
        handler(raiser, changed)
    finally:
        for value, path in before.items():
            raiser.paths.pop(value)
            if path is not None:
                raiser.paths[value] = path
    gone = _gone_before(raiser, node, place, rank)
    for output in node.outputs:
        if output in raiser.paths:
            raiser.keep(output, settled(place._replace(path=raiser.paths.pop(output), axis=place.axis - gone)))


def _reaches_batch(raiser: Raiser, node: OnnxNode, place: Placed, rank: int) -> bool:
    """Whether a node acts on its last axes, the batch's among them."""
    if node.op_type == "MatMul" and raiser.is_constant(node, 1):
        return rank - place.axis <= 1
    if node.op_type in FROM_AXIS:
        return int(node.attributes.get("axis", -1)) % rank <= place.axis
    return rank - place.axis <= LAST_AXES.get(node.op_type, 0)


def _is_pointwise(node: OnnxNode) -> bool:
    """Whether a group of nodes that is one op acts on each value."""
    return node.op_type != COMPOSED or ops()[node.attributes["op"]].behaviour.pointwise


def _gone_before(raiser: Raiser, node: OnnxNode, place: Placed, rank: int) -> int:
    """How many axes before the batch a node takes away."""
    if node.op_type == "Gather":
        indices = raiser.constant(node, 1)
        axis = int(node.attributes.get("axis", 0)) % rank
        return int(indices is not None and indices.ndim == 0 and axis < place.axis)
    if node.op_type.startswith("Reduce") and not node.attributes.get("keepdims", 1):
        return sum(axis % rank < place.axis for axis in _axes(raiser, node) or ())
    return 0


def _with_own_axes(raiser: Raiser, node: OnnxNode, place: Placed, rank: int) -> OnnxNode:
    """The node with its axes counted as in the value of its input's node. Raises `Refusal` for the batch's."""
    attributes, inputs = dict(node.attributes), list(node.inputs)

    def own(axis: Any) -> int:
        return place.own_axis(int(axis) % rank)

    if node.op_type in AXIS:
        attributes["axis"] = own(attributes.get("axis", AXIS[node.op_type]))
    if "axes" in attributes:
        attributes["axes"] = [own(axis) for axis in attributes["axes"]]
    index = AXES_INPUT.get(node.op_type)
    if index is not None and raiser.is_constant(node, index):
        found = raiser.constant(node, index)
        assert found is not None
        inputs[index] = _new_constant(raiser, inputs[index], np.array([own(axis) for axis in integers(found)]))
    elif index is not None and "axes" not in attributes:
        raise Refusal(ON_BATCH)
    return node._replace(attributes=attributes, inputs=tuple(inputs))


def _with_own_constants(raiser: Raiser, node: OnnxNode, place: Placed, sizes: list[int]) -> OnnxNode:
    """The node with its constants as its input's node has its axes. Raises `Refusal`."""
    inputs = list(node.inputs)
    for index, value in enumerate(inputs):
        array = raiser.constants.get(value)
        if array is None or array.dtype.kind != "f" or (place.in_front and array.shape[:1] == (1,)):
            continue
        if node.op_type == "MatMul" and array.ndim < 3:
            continue
        try:
            found = place.constant(array, sizes, _batch(raiser))
        except Refusal:
            if place.in_front:
                continue
            raise
        inputs[index] = value if found is array else _new_constant(raiser, value, found)
    return node._replace(inputs=tuple(inputs))


def _new_constant(raiser: Raiser, value: str, array: Any) -> str:
    """The name of a constant that is made of another one."""
    name = next(
        name for number in range(len(raiser.constants) + 1) if (name := f"{value}/{number}") not in raiser.constants
    )
    raiser.constants[name] = array
    raiser.names[name] = raiser.names.get(value, value)
    return name


@cache
def _pointwise() -> frozenset[str]:
    """Ops of rows that act on each value."""
    return frozenset(
        row.onnx for row in rows().values() if row.onnx and not row.is_composed and ops()[row.op].behaviour.pointwise
    )


JOINING = frozenset(("Add", "Sub", "Mul", "Div", "Sum", "Max", "Min", "Concat", "MatMul", "Where"))
"""Ops that join values, constants among them."""
AXIS = {
    **dict.fromkeys(("Softmax", "LogSoftmax", "LayerNormalization", "RMSNormalization", "Normalize"), -1),
    **dict.fromkeys(("Split", "Gather", "Concat"), 0),
}
"""Ops with an attribute `axis`, and its default."""
AXES_INPUT = {**dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2"), 1), "Slice": 3}
"""Ops whose axes are an input."""
FROM_AXIS = frozenset(("LayerNormalization", "RMSNormalization"))
"""Ops that act on all axes from `axis` on."""
OWN_WAY = frozenset(("Einsum", "LSTM", "GRU"))
"""Ops whose handlers read where the batch is by themselves."""
LAST_AXES = {"MatMul": 2, "Gemm": 1}
"""How many of the last axes an op acts on."""
LIFTED = frozenset(
    (
        "Identity",
        "Cast",
        "Dropout",
        "Clip",
        "Pow",
        "Neg",
        "Selu",
        "HardSigmoid",
        "Swish",
        "Gelu",
        "PlainLayerNorm",
        "Gemm",
    )
)
"""Ops, besides those that join and those with axes, that may be read as ops on the node's value."""


def _lifts(op_type: str) -> bool:
    return (
        op_type in LIFTED or op_type in AXIS or op_type in AXES_INPUT or op_type in _pointwise() or op_type == COMPOSED
    )
