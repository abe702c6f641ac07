"""Dense layers and what surrounds them: `linear`, `dropout`, `flatten`."""

from __future__ import annotations

from typing import Any

from specgraph.graph.dims import Dim, product
from specgraph.graph.model import Node, Parameter
from specgraph.graph.types import UNKNOWN_AXIS, TensorType
from specgraph.kinds.kinds import Bool, Choice, Int, Number
from specgraph.ops.behaviour import HANDS_ON, Behaviour, Traffic, When, drops_all, drops_nothing
from specgraph.ops.definition import Argument, Call, Op, define
from specgraph.ops.no_effect import merges_nothing

SPATIAL = frozenset("DHWL")


def infer_linear(call: Call) -> TensorType:
    """(…, in_features) to (…, out_features): a vector, channels-last maps, tokens."""
    kind = call.input
    if kind.axes[-1] in SPATIAL:
        facts = {"stated": call.arguments["in_features"], "features": product(kind.dims)}
        raise call.fault("unflattened-linear-input", "map", facts, inputs=(0,))
    call.implied("in_features", kind.dims[-1], "features")
    return kind.with_dims((*kind.dims[:-1], call.arguments["out_features"]))


def linear_parameters(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """weight (out, in) and bias (out)."""
    out = arguments["out_features"]
    weight = Parameter("weight", (out, arguments["in_features"]))
    return (weight, Parameter("bias", (out,))) if arguments["bias"] else (weight,)


def linear_multiply_adds(node: Node) -> Dim:
    """One per weight and position; the bias is not counted."""
    in_features: int = node.arguments["in_features"]
    return product(node.output.dims) * in_features


def infer_dropout(call: Call) -> TensorType:
    """The input's own type; whole channels can only be dropped where there are positions."""
    if call.arguments["mode"] == "channel":
        call.spatial_rank()
    return call.input


def infer_flatten(call: Call) -> TensorType:
    """Axes start_dim to end_dim become one."""
    kind = call.input
    rank = len(kind.dims)
    start = call.axis("start_dim", call.arguments["start_dim"])
    end = call.axis("end_dim", call.arguments["end_dim"])
    call.arguments["start_dim"], call.arguments["end_dim"] = start, end
    if start > end:
        argument = "start_dim" if "start_dim" in call.stated else "end_dim"
        raise call.fault("contradicting-arguments", "flattened axes", {"start": start, "end": end}, argument=argument)
    if start == end:
        return kind
    merged = product(kind.dims[start - 1 : end])
    if start == 1 and end == rank:
        return TensorType((merged,), ("F",), kind.dtype)
    axes = (*kind.axes[: start - 1], UNKNOWN_AXIS, *kind.axes[end:])
    return TensorType((*kind.dims[: start - 1], merged, *kind.dims[end:]), axes, kind.dtype)


OPS: tuple[Op, ...] = (
    define(
        "linear",
        family="dense",
        summary="A fully connected layer, on the last axis.",
        infer=infer_linear,
        arguments=(
            Argument("out_features", Int(1), doc="number of outputs"),
            Argument("bias", Bool(), True, doc="whether a bias is added"),
            Argument("in_features", Int(1), implied=True, doc="size of the input's last axis"),
        ),
        parameters=linear_parameters,
        multiply_adds=linear_multiply_adds,
        foreign=(
            "Linear",
            "Dense",
            "dense",
            "Gemm",
            "InnerProduct",
            "inner_product",
            "fully_connected",
            "FullyConnected",
            "fc",
            "LazyLinear",
            "connected",
        ),
        behaviour=Behaviour(linear=True, reach="features", traffic=Traffic(inputs=True, copies_strided=True)),
        formula="x weight^T + bias",
    ),
    define(
        "dropout",
        family="dense",
        summary="Zeroes values at random in training; nothing otherwise.",
        infer=infer_dropout,
        arguments=(
            Argument("p", Number(0, 1), 0.5, doc="probability that a value is zeroed"),
            Argument(
                "mode", Choice("element", "channel"), "element", doc="what is zeroed together: one value, or a channel"
            ),
        ),
        foreign=(
            "Dropout",
            "Dropout1d",
            "Dropout2d",
            "Dropout3d",
            "SpatialDropout1D",
            "SpatialDropout2D",
            "SpatialDropout3D",
        ),
        behaviour=Behaviour(
            pointwise=True,
            reach="point",
            training_only=True,
            drop_rate="p",
            keeps_sign=True,
            no_effect=drops_nothing("p"),
            constant=drops_all("p"),
            traffic=Traffic(kept=1.0),
        ),
        formula="x * bernoulli(1 - p) / (1 - p)",
    ),
    define(
        "flatten",
        family="dense",
        summary="Makes one axis of several, by default of all.",
        infer=infer_flatten,
        arguments=(
            Argument("start_dim", Int(), 1, doc="first axis; the batch axis is 0"),
            Argument("end_dim", Int(), -1, doc="last axis"),
        ),
        foreign=("Flatten", "ravel"),
        behaviour=Behaviour(
            reach="whole",
            view="merged",
            keeps_sign=True,
            no_effect=When(merges_nothing, "it merges no axes"),
            traffic=HANDS_ON,
        ),
        formula="features = product of the sizes",
    ),
)
