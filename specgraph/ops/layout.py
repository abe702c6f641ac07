"""Ops on single axes: `select`, `unflatten`, `roll`, `expand`."""

from __future__ import annotations

from math import prod

from specgraph.graph.dims import Dim
from specgraph.graph.model import Node
from specgraph.graph.types import UNKNOWN_AXIS, TensorType
from specgraph.kinds.kinds import Int, ListOf
from specgraph.ops.behaviour import NO_TRAFFIC, Behaviour, Traffic, When
from specgraph.ops.definition import Argument, Call, Op, define


def infer_select(call: Call) -> TensorType:
    """The axis vanishes. Raises `Fault` if it has no such entry, or is the only one."""
    kind, index = call.input, call.arguments["index"]
    dim = call.arguments["dim"] = call.axis("dim", call.arguments["dim"])
    size = kind.dims[dim - 1]
    if kind.rank == 1:
        raise call.fault("wrong-rank", "single axis", inputs=(0,))
    if not call.at_least(size, index + 1 if index >= 0 else -index):
        facts = {"size": size, "index": index, "dim": dim}
        raise call.fault("empty-output", "one index", facts, argument="index")
    if isinstance(size, int):
        call.arguments["index"] = index % size
    dims, axes = (*kind.dims[: dim - 1], *kind.dims[dim:]), (*kind.axes[: dim - 1], *kind.axes[dim:])
    return TensorType(dims, ("F",) if len(dims) == 1 else axes, kind.dtype, kind.batched)


def infer_unflatten(call: Call) -> TensorType:
    """One axis becomes several, the first of which keeps its meaning; one size of -1 is worked out."""
    kind = call.input
    sizes: tuple[int, ...] = call.arguments["sizes"]
    dim = call.arguments["dim"] = call.axis("dim", call.arguments["dim"])
    size, known = kind.dims[dim - 1], prod(each for each in sizes if each != -1)
    facts = {"dim": dim, "size": size, "sizes": list(sizes), "known": known}
    if 0 in sizes or min(sizes) < -1 or sizes.count(-1) > 1:
        raise call.fault("reshape-size-mismatch", "parts", facts, argument="sizes")
    parts: tuple[Dim, ...] = sizes
    if -1 in sizes:
        rest = size // known
        if not call.at_least(rest, 1) or not call.equal(rest * known, size):
            raise call.fault("reshape-size-mismatch", "unequal parts", facts, argument="sizes")
        parts = tuple(rest if each == -1 else each for each in sizes)
    elif not call.equal(size, known):
        raise call.fault("reshape-size-mismatch", "unequal parts", facts, argument="sizes")
    call.arguments["sizes"] = tuple(each if isinstance(each, int) else -1 for each in parts)
    label = UNKNOWN_AXIS if kind.axes[dim - 1] == "F" else kind.axes[dim - 1]
    dims = (*kind.dims[: dim - 1], *parts, *kind.dims[dim:])
    axes = (*kind.axes[: dim - 1], label, *[UNKNOWN_AXIS] * (len(parts) - 1), *kind.axes[dim:])
    return TensorType(dims, axes, kind.dtype, kind.batched)


def infer_roll(call: Call) -> TensorType:
    """The input's own type. Raises `Fault` unless there is a shift for each axis."""
    dims = call.arguments["dims"] = call.axes("dims", call.arguments["dims"])
    shifts = call.arguments["shifts"]
    if len(shifts) != len(dims):
        facts = {"shifts": len(shifts), "axes": len(dims)}
        raise call.fault("wrong-number-of-axes", "shifts", facts, argument="shifts")
    sizes = [call.input.dims[axis - 1] for axis in dims]
    call.arguments["shifts"] = tuple(
        (shift + size // 2) % size - size // 2 if isinstance(size, int) else shift
        for shift, size in zip(shifts, sizes, strict=True)
    )
    return call.input


def infer_expand(call: Call) -> TensorType:
    """Axes of one entry as large as told; -1 keeps an axis. Raises `Fault` for another axis that would change."""
    wanted, dims = call.arguments["sizes"], call.input.dims
    if len(wanted) != len(dims):
        raise call.fault(
            "wrong-number-of-axes", "repeated", {"given": len(wanted), "rank": len(dims)}, argument="sizes"
        )
    for axis, (size, new) in enumerate(zip(dims, wanted, strict=True), 1):
        if new not in (-1, size):
            call.number(size, f"the size of an axis of {call.name} that is repeated")
        if new < -1 or new == 0 or (new > 0 and size not in (1, new)):
            facts = {"dim": axis, "size": size, "wanted": new}
            raise call.fault("reshape-size-mismatch", "repeated", facts, argument="sizes")
    call.arguments["sizes"] = tuple(-1 if new == size else new for size, new in zip(dims, wanted, strict=True))
    return call.input.with_dims(tuple(size if new == -1 else new for size, new in zip(dims, wanted, strict=True)))


def expand_arithmetic(node: Node, axis: int) -> str:
    """How one size is computed: `1 entry, repeated 8 times`."""
    size, out = node.input_types[0].dims[axis + 1], node.output.dims[axis + 1]
    return f"{out} as before" if node.arguments["sizes"][axis + 1] == -1 else f"{size} entry, repeated {out} times"


OPS: tuple[Op, ...] = (
    define(
        "select",
        family="layout",
        summary="One entry of an axis, which vanishes: the class token of a transformer.",
        infer=infer_select,
        arguments=(
            Argument("dim", Int(), 1, doc="axis that vanishes; the batch axis is 0"),
            Argument("index", Int(), doc="which entry; negative counts from the end"),
        ),
        foreign=("Select",),
        behaviour=Behaviour(reach="whole", view="cut", keeps_sign=True, traffic=NO_TRAFFIC),
        formula="out = in[index] along dim",
    ),
    define(
        "unflatten",
        family="layout",
        summary="One axis becomes several.",
        infer=infer_unflatten,
        arguments=(
            Argument("dim", Int(), doc="axis that is parted; the batch axis is 0"),
            Argument("sizes", ListOf(Int(), 1, 6), doc="sizes of the parts; one may be -1"),
        ),
        foreign=("Unflatten",),
        behaviour=Behaviour(
            reach="whole",
            view="regrouped",
            keeps_sign=True,
            no_effect=When(lambda node: node.input_types[0].dims == node.output.dims, "the axis stays as it is"),
            traffic=Traffic(hands_on=True),
        ),
        formula="product of sizes = size of the axis",
    ),
    define(
        "roll",
        family="layout",
        summary="Moves values along axes; what leaves at one end comes in at the other.",
        infer=infer_roll,
        arguments=(
            Argument("shifts", ListOf(Int(), 1, 6), doc="places by which values move along each axis"),
            Argument("dims", ListOf(Int(), 1, 6), doc="the axes; the batch axis is 0"),
        ),
        foreign=("Roll",),
        behaviour=Behaviour(
            reach="whole",
            keeps_sign=True,
            no_effect=When(lambda node: not any(node.arguments["shifts"]), "all shifts are 0"),
            traffic=NO_TRAFFIC,
        ),
        formula="out[i] = in[i - shift]",
    ),
    define(
        "expand",
        family="layout",
        summary="Repeats axes of one entry.",
        infer=infer_expand,
        arguments=(Argument("sizes", ListOf(Int(), 1, 8), doc="sizes without the batch axis; -1 keeps an axis"),),
        arithmetic=expand_arithmetic,
        foreign=("Expand", "broadcast_to", "BroadcastTo"),
        behaviour=Behaviour(
            reach="whole",
            view="repeated",
            keeps_sign=True,
            no_effect=When(lambda node: node.input_types[0].dims == node.output.dims, "no axis becomes larger"),
            traffic=NO_TRAFFIC,
        ),
        formula="out[i] = in[0] along each axis that becomes larger",
    ),
)
