"""Where the batch lies in a traced value: in front, after other axes, or in one axis with others (see `placed`)."""

from __future__ import annotations

from typing import Any

import torch

from specgraph.importers.flat import Refusal
from specgraph.importers.placed import IN_FRONT, ON_BATCH, Placed, reshaped, settled
from specgraph.importers.torch_arguments import CallArguments, spread
from specgraph.importers.torch_in_place import FILLS
from specgraph.importers.torch_joined import LAYERS, OtherCall, by_volume, gathered, interleaved
from specgraph.importers.torch_tracer import Handler, Tracer, op_name
from specgraph.ops.registry import ops
from specgraph.ops.rows import rows


def read_call(tracer: Tracer, node: Any, handler: Handler | None) -> Any:
    """What a traced call becomes: a path, a list of paths, or a `Placed` one. Raises `Refusal`."""
    name = op_name(node)
    sources = [source for source in node.all_input_nodes if isinstance(tracer.values.get(source), Placed)]
    if name in MOVES and (sources or handler is None or _moves(tracer, node)):
        return MOVES[name](tracer, node, _place(tracer, node.args[0]))
    if name == "repeat_interleave" and tracer.is_data(node.args[0]):
        return settled(interleaved(tracer, node, _place(tracer, node.args[0])))
    if handler is None:
        raise Refusal(f"{name} has no counterpart in a spec")
    if not sources:
        return handler(tracer, node)
    if name in FILLS or name in OWN_WAY:
        return handler(tracer, node)
    if name == "batch_norm" and handler is not None:
        return _by_channels(tracer, node, handler, _place(tracer, node.args[0]))
    if name in LAYERS:
        return by_volume(tracer, node, handler, _place(tracer, node.args[0]))
    if name in ("index", "index_select"):
        return gathered(tracer, node, _place(tracer, node.args[0]))
    if name not in LIFTED:
        raise Refusal(IN_FRONT)
    return _lifted(tracer, node, handler, name)


def _moves(tracer: Tracer, node: Any) -> bool:
    """Whether a view or transposition of a value whose batch is in front leaves it elsewhere."""
    value = node.meta.get("val")
    if not isinstance(tracer.values.get(node.args[0]), str) or not isinstance(value, torch.Tensor):
        return False
    axis = tracer.moving.get(node)
    return axis is not None and (axis != 0 or int(value.shape[0]) != tracer.batch_size)


def _place(tracer: Tracer, value: Any) -> Placed:
    found = tracer.values.get(value)
    return found if isinstance(found, Placed) else Placed(tracer.data(value), 0)


def viewed(tracer: Tracer, node: Any, place: Placed) -> Any:
    """The same values, in the same order, along other axes."""
    shape = [int(size) for size in node.meta["val"].shape]
    axis, sizes = tracer.moving.get(node), tracer.sizes(place.path)
    if axis is None:
        raise Refusal("it joins the batch axis with others")
    new, wanted = place.viewed(sizes, shape, axis, tracer.batch_size)
    if wanted == sizes:
        return settled(new)
    op, arguments = reshaped(wanted)
    return settled(new._replace(path=tracer.add(node, op, [place.path], arguments)))


def turned(tracer: Tracer, node: Any, place: Placed) -> Any:
    """The axes in another order."""
    new, own = place.turned(_order(node))
    if own != list(range(len(own))):
        dims = [0, *(axis + 1 for axis in own)]
        new = new._replace(path=tracer.add(node, "permute", [place.path], {"dims": dims}))
    return settled(new)


def _order(node: Any) -> list[int]:
    """The order of axes of a transposing call."""
    given, rank = CallArguments(node), len(node.args[0].meta["val"].shape)
    name = op_name(node)
    if name == "permute":
        return [axis % rank for axis in given.dims]
    order = list(range(rank))
    if name in ("t", "numpy_T", "mT", "adjoint", "mH"):
        order[-2:] = order[:-3:-1]
    elif name in ("movedim", "moveaxis"):
        source, destination = ([axis % rank for axis in spread(each, 1)] for each in (given.source, given.destination))
        order = [axis for axis in order if axis not in source]
        for target, axis in sorted(zip(destination, source, strict=True)):
            order.insert(target, axis)
    else:
        first, second = ("axis0", "axis1") if name in ("swapaxes", "swapaxes_") else ("dim0", "dim1")
        left, right = given.get(first) % rank, given.get(second) % rank
        order[left], order[right] = order[right], order[left]
    return order


def _lifted(tracer: Tracer, node: Any, handler: Handler, name: str) -> Any:
    """A call on values whose batch is elsewhere, as the same call on the nodes' own values."""
    data = [source for source in node.all_input_nodes if tracer.is_data(source)]
    places = {source: _place(tracer, source) for source in data}
    ranks = {source: len(source.meta["val"].shape) for source in data}
    if (
        len({(ranks[source] - place.axis, place.inside(tracer.sizes(place.path))) for source, place in places.items()})
        > 1
    ):
        raise Refusal("it joins values whose batches are along different axes")
    first, place = next(iter(places.items()))
    rank = ranks[first]
    if rank - place.axis <= _last_axes(node, name):
        raise Refusal(ON_BATCH)
    call = _with_dims(node, place, LIFTED[name], rank)
    if name in BROADCASTS:
        call = _with_constants(tracer, call, place)
    before = {source: tracer.values[source] for source in data}
    try:
        tracer.values.update({source: each.path for source, each in places.items()})
        found = handler(tracer, call)
    finally:
        tracer.values.update(before)
    if isinstance(found, list):
        gone = len(node.meta["val"][0].shape) < rank and CallArguments(node).get("dim", 0) % rank < place.axis
        moved = place._replace(axis=place.axis - gone)
        return [settled(moved._replace(path=path)) if isinstance(path, str) else path for path in found]
    if not isinstance(found, str):
        return found
    axis = tracer.moving.get(node)
    if axis is None:
        raise Refusal(IN_FRONT)
    return settled(place._replace(path=found, axis=axis))


def _by_channels(tracer: Tracer, node: Any, handler: Handler, place: Placed) -> Any:
    """A batch_norm of what is joined with the batch: its channels first, and back."""
    if place.axis != 0:
        raise Refusal(IN_FRONT)
    rank, (channels,) = len(tracer.sizes(place.path)) + 1, place.own(1)
    order = [0, channels + 1, *(axis for axis in range(1, rank) if axis != channels + 1)]
    before = tracer.values[node.args[0]]
    try:
        tracer.values[node.args[0]] = tracer.step(node, "permute", [place.path], {"dims": order}, "channels")
        found = handler(tracer, node)
    finally:
        tracer.values[node.args[0]] = before
    back = [order.index(axis) for axis in range(rank)]
    return place._replace(path=tracer.step(node, "permute", [found], {"dims": back}, "back"))


def _last_axes(node: Any, name: str) -> int:
    """How many of the last axes a call acts on."""
    if name in ("layer_norm", "rms_norm"):
        return len(CallArguments(node).normalized_shape)
    if name in ("pad", "constant_pad_nd"):
        return len(CallArguments(node).pad) // 2
    return LAST_AXES.get(name, 0)


def _with_dims(node: Any, place: Placed, names: tuple[str, ...], rank: int) -> Any:
    """The call with its axes counted as in the node's value. Raises `Refusal` for the batch's."""
    args, kwargs = list(node.args), dict(node.kwargs)
    given = CallArguments(node)
    for position, argument in enumerate(node.target._schema.arguments if names else ()):
        value = given.get(argument.name)
        if argument.name not in names or value is None:
            continue
        axes = [place.own_axis(axis % rank) for axis in spread(value, 1)]
        moved = axes if isinstance(value, (list, tuple)) else axes[0]
        if position < len(args):
            args[position] = moved
        else:
            kwargs[argument.name] = moved
    return OtherCall(node, tuple(args), kwargs)


def _with_constants(tracer: Tracer, call: Any, place: Placed) -> Any:
    """The call with its constants as the node's value has its axes. Raises `Refusal`."""

    def laid(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [laid(entry) for entry in value]
        is_node = isinstance(value, torch.fx.Node)
        if not is_node or not tracer.is_constant(value) or tracer.is_data(value):
            return value
        array = tracer.array(value)
        found = place.constant(array, tracer.sizes(place.path), tracer.batch_size)
        return value if found is array else tracer.derive(value, torch.from_numpy(found.copy()))

    return OtherCall(call, tuple(laid(value) for value in call.args), {k: laid(v) for k, v in call.kwargs.items()})


def _pointwise() -> dict[str, tuple[str, ...]]:
    """Calls of rows: those that act on each value, and those that say along which axis they act."""
    found: dict[str, tuple[str, ...]] = {}
    for row in rows().values():
        axes = tuple(name for name, attribute in row.attributes.items() if attribute.kind == "axis")
        if row.call and (axes or ops()[row.op].behaviour.pointwise):
            found[row.call] = found[f"{row.call}_"] = axes
    return found


ARITHMETIC = (
    "add",
    "sub",
    "mul",
    "div",
    "add_",
    "sub_",
    "mul_",
    "div_",
    "rsub",
    "maximum",
    "minimum",
    "max",
    "min",
    "addcmul",
)
BROADCASTS = frozenset({*ARITHMETIC, "matmul", "bmm", "baddbmm", "scaled_dot_product_attention", "cat", "concat"})
OWN_WAY = frozenset({"einsum", "expand", "expand_as", "copy_", "lstm", "gru"})
"""Calls whose handlers read where the batch is by themselves."""
LAST_AXES = {"linear": 1, "matmul": 2, "bmm": 2, "baddbmm": 2, "scaled_dot_product_attention": 2}
LIFTED: dict[str, tuple[str, ...]] = {
    **_pointwise(),
    **dict.fromkeys(("clone", "contiguous", "detach", "alias", "lift_fresh_copy", "dropout", "dropout_"), ()),
    **dict.fromkeys(("to", "_to_copy", "type_as", "hardtanh", "hardtanh_", "clamp", "clamp_", "elu", "elu_"), ()),
    **dict.fromkeys(("pow", "square", "neg", "abs", "selu", "layer_norm", "rms_norm"), ()),
    **dict.fromkeys((*ARITHMETIC, "linear", "matmul", "bmm", "baddbmm", "scaled_dot_product_attention"), ()),
    **dict.fromkeys(("select", "slice", "chunk", "split", "split_with_sizes", "unbind", "cat", "concat"), ("dim",)),
    **dict.fromkeys(("sum", "mean", "amax", "linalg_vector_norm"), ("dim",)),
    **dict.fromkeys(("rsqrt", "clamp_min", "clamp_max", "pad", "constant_pad_nd"), ()),
    "roll": ("dims",),
    "unfold": ("dimension",),
}
"""Calls that can be read as calls on the node's value, with the arguments that name axes."""
MOVES = {
    **dict.fromkeys(("view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze"), viewed),
    **dict.fromkeys(("squeeze_", "unsqueeze_", "view_as", "reshape_as"), viewed),
    **dict.fromkeys(("permute", "transpose", "transpose_", "t", "numpy_T", "mT", "swapaxes", "movedim"), turned),
    **dict.fromkeys(("moveaxis", "swapdims"), turned),
}
"""Calls that only move or join axes."""
