"""Products, factors, extremes and norms of values: `matmul`, `affine`, `maximum`, `minimum`, `normalize`."""

from __future__ import annotations

from specgraph.graph.dims import Dim, product
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.kinds.kinds import Int, Number
from specgraph.ops.behaviour import KEEPS_INPUTS, Behaviour, Traffic, When, size_along
from specgraph.ops.definition import Argument, Call, Op, define
from specgraph.ops.joining import broadcast_sizes, infer_elementwise


def infer_matmul(call: Call) -> TensorType:
    """(…, a, b) times (…, b, c) is (…, a, c). Axes in front agree; a tensor without samples may have fewer of them."""
    left, right = call.inputs
    for index, kind in enumerate(call.inputs):
        if kind.rank < 2:
            raise call.fault("wrong-rank", "matrix", {"name": call.names[index], "kind": kind}, inputs=(index,))
    facts = {"names": call.names, "types": call.inputs, "inner": (left.dims[-1], right.dims[-2])}
    if not call.equal(left.dims[-1], right.dims[-2]):
        raise call.fault("add-shape-mismatch", "matrices", facts, inputs=(0, 1))
    fewer, more = sorted(call.inputs, key=lambda kind: kind.rank)
    missing = more.rank - fewer.rank
    if missing and fewer.batched:
        raise call.fault("add-shape-mismatch", "lead", facts, inputs=(0, 1))
    short, long = (kind.dims[:-2] for kind in (fewer, more))
    lead = broadcast_sizes(call, short, long[missing:])
    if lead is None:
        raise call.fault("add-shape-mismatch", "lead", facts, inputs=(0, 1))
    axes = (left if left.batched or not right.batched else right).axes
    dims = (*long[:missing], *lead, left.dims[-2], right.dims[-1])
    axes = axes if len(axes) == len(dims) else more.axes
    return TensorType(dims, axes, left.dtype, left.batched or right.batched)


def matmul_cost(node: Node) -> Dim:
    """One per output value and size of the inner axis."""
    return product(node.output.dims) * node.input_types[0].dims[-1]


def infer_same(call: Call) -> TensorType:
    """The input's own type."""
    return call.input


def infer_normalize(call: Call) -> TensorType:
    """The input's own type; the axis must be one of it."""
    call.arguments["dim"] = call.axis("dim", call.arguments["dim"])
    return call.input


def affine_cost(node: Node) -> Dim:
    """One per value, unless the factor is 1."""
    return 0 if node.arguments["scale"] == 1 else product(node.output.dims)


def affine_traffic(node: Node) -> Traffic:
    """The product is there before the sum."""
    both = node.arguments["scale"] != 1 and node.arguments["shift"] != 0
    return Traffic(forward=1.0, evaluation=1.0) if both else Traffic()


def normalize_traffic(node: Node) -> Traffic:
    """The norm, and the norm held above `eps`."""
    size = size_along(node, "dim")
    share = 1 / size if isinstance(size, int) else 0.0
    return Traffic(inputs=True, kept=2 * share, forward=2 * share, evaluation=share, backward=3.0)


def normalize_cost(node: Node) -> Dim:
    """A square and a division for each value."""
    return product(node.output.dims) * 2


OPS: tuple[Op, ...] = (
    define(
        "matmul",
        family="algebra",
        summary="The matrix product of two values, over their last two axes.",
        infer=infer_matmul,
        multiply_adds=matmul_cost,
        num_inputs=(2, 2),
        foreign=("bmm", "mm", "dot"),
        behaviour=Behaviour(joins="matrix", reach="whole", keeps_sign=True, traffic=KEEPS_INPUTS),
        formula="(…, a, b) * (…, b, c) = (…, a, c)",
    ),
    define(
        "affine",
        family="algebra",
        summary="Multiplies by a number and adds a number.",
        infer=infer_same,
        arguments=(
            Argument("scale", Number(), 1, doc="the factor"),
            Argument("shift", Number(), 0, doc="what is added"),
        ),
        multiply_adds=affine_cost,
        behaviour=Behaviour(
            pointwise=True,
            reach="point",
            no_effect=When(
                lambda node: node.arguments["scale"] == 1 and node.arguments["shift"] == 0,
                "the factor is 1 and nothing is added",
            ),
            traffic=affine_traffic,
        ),
        formula="scale * x + shift",
    ),
    *(
        define(
            name,
            family="algebra",
            summary=f"The {which} of two values at each place; sizes of 1 are repeated.",
            infer=infer_elementwise,
            num_inputs=(2, 2),
            foreign=(name.capitalize(), name[:3].capitalize(), f"torch.{name}"),
            behaviour=Behaviour(joins="extreme", pointwise=True, reach="point", keeps_sign=True, traffic=KEEPS_INPUTS),
            formula=f"{name[:3]}(a, b)",
        )
        for name, which in (("maximum", "larger"), ("minimum", "smaller"))
    ),
    define(
        "normalize",
        family="algebra",
        summary="Divides by the norm along an axis: unit vectors.",
        infer=infer_normalize,
        arguments=(
            Argument("dim", Int(), 1, doc="axis along which the norm is taken; the batch axis is 0"),
            Argument("p", Int(1, 2), 2, doc="1 sums absolute values, 2 is the length"),
            Argument("eps", Number(above=0), 1e-12, doc="least norm that is divided by"),
        ),
        multiply_adds=normalize_cost,
        foreign=("Normalize", "LpNormalization", "l2_normalize", "UnitNormalization"),
        behaviour=Behaviour(mixes="dim", range=(-1, 1), keeps_sign=True, traffic=normalize_traffic),
        formula="x / max(norm of x along dim, eps)",
    ),
)
