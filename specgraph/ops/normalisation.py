"""Normalisations. Channels are the axis right after the batch."""

from __future__ import annotations

from typing import Any

from specgraph.graph.dims import Dim, product
from specgraph.graph.model import Node, Parameter
from specgraph.graph.types import TensorType
from specgraph.kinds.kinds import Bool, Either, Int, ListOf, Nothing, Number
from specgraph.ops.behaviour import KEEPS_INPUTS, Behaviour, Traffic
from specgraph.ops.definition import Argument, Call, Op, ParameterRule, define

MAX_RANK = 4
MOST_GROUPS = 100_000


def infer_lrn(call: Call) -> TensorType:
    """The input's own type; needs at least one axis after the channels."""
    call.spatial_rank()
    return call.input


def infer_batch_norm(call: Call) -> TensorType:
    """The input's own type."""
    if len(call.input.dims) > MAX_RANK:
        call.spatial_rank()
    call.implied("num_features", call.input.dims[0], "channels")
    return call.input


def infer_instance_norm(call: Call) -> TensorType:
    """The input's own type; a channel needs more than one value to be normalised over."""
    call.spatial_rank()
    call.implied("num_features", call.input.dims[0], "channels")
    if not call.at_least(product(call.input.dims[1:]), 2):
        raise call.fault("nothing-to-normalise", "one position", inputs=(0,))
    return call.input


def infer_group_norm(call: Call) -> TensorType:
    """The input's own type; the channels must divide into the groups, and a group needs more than one value."""
    channels = call.implied("num_channels", call.input.dims[0], "channels")
    groups = call.arguments["num_groups"]
    if channels % groups:
        nearest = next(g for g in range(min(groups, channels, MOST_GROUPS), 0, -1) if channels % g == 0)
        facts = {"channels": channels, "groups": groups, "nearest": nearest}
        raise call.fault("indivisible-groups", "normalised", facts, argument="num_groups")
    if channels == groups and not call.at_least(product(call.input.dims[1:]), 2):
        raise call.fault("nothing-to-normalise", "one channel a group", {"groups": groups}, inputs=(0,))
    return call.input


def infer_dynamic_tanh(call: Call) -> TensorType:
    """The input's own type; `dim` is the axis of the channels, which must not be the batch axis."""
    axis = call.arguments["dim"] = call.axis("dim", call.arguments["dim"])
    call.implied("num_features", call.input.dims[axis - 1], "channels")
    return call.input


def dynamic_tanh_parameters(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """One slope for all values; a weight and a bias per channel."""
    size = (arguments["num_features"],)
    return (Parameter("alpha", (1,)), Parameter("weight", size), Parameter("bias", size))


def dynamic_tanh_multiply_adds(node: Node) -> Dim:
    """Two per value."""
    return 2 * product(node.output.dims)


def infer_global_response_norm(call: Call) -> TensorType:
    """The input's own type, which is a map."""
    call.spatial_rank()
    call.implied("num_features", call.input.dims[0], "channels")
    return call.input


def global_response_norm_parameters(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """A weight and a bias per channel."""
    size = (arguments["num_features"],)
    return (Parameter("weight", size), Parameter("bias", size))


def global_response_norm_multiply_adds(node: Node) -> Dim:
    """Three per value: its square, the product with the channel's norm, weight and bias."""
    return 3 * product(node.output.dims)


def infer_layer_norm(call: Call) -> TensorType:
    """The input's own type. `axes` are the last ones, or the channel axis alone."""
    return _over_axes(call, "layer_norm")


def infer_rms_norm(call: Call) -> TensorType:
    """The input's own type. `axes` are the last ones, or the channel axis alone."""
    return _over_axes(call, "rms_norm")


def _over_axes(call: Call, op: str) -> TensorType:
    rank = len(call.input.dims)
    wanted = call.arguments["axes"]
    axes = tuple(sorted(call.axes("axes", (-1,) if wanted is None else wanted)))
    if axes != tuple(range(rank + 1 - len(axes), rank + 1)) and axes != (1,):
        facts = {"op": op, "axes": axes, "rank": rank + 1}
        raise call.fault("unsupported-axes", "normalised", facts, argument="axes")
    call.arguments["axes"] = axes
    for axis in axes:
        call.number(call.input.dims[axis - 1], f"axis {axis} of {call.name}")
    return call.input


def affine(size_argument: str) -> ParameterRule:
    """Rule for weight and bias of one value per channel, present where `affine` is true."""

    def parameters(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
        size = (arguments[size_argument],)
        found = (Parameter("weight", size), Parameter("bias", size)) if arguments["affine"] else ()
        if not arguments.get("track_running_stats"):
            return found
        return (
            *found,
            Parameter("running_mean", size, trainable=False),
            Parameter("running_var", size, trainable=False),
            Parameter("num_batches_tracked", (), trainable=False, dtype="int64"),
        )

    return parameters


def layer_norm_parameters(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """weight, and bias where the op has one, with the sizes of the normalised axes."""
    if not arguments["elementwise_affine"]:
        return ()
    shape: tuple[Dim, ...] = tuple(inputs[0].dims[axis - 1] for axis in arguments["axes"])
    sizes = tuple(size for size in shape if isinstance(size, int))
    weight = Parameter("weight", sizes)
    return (weight, Parameter("bias", sizes)) if arguments.get("bias") else (weight,)


def eps(default: float = 1e-5) -> Argument:
    return Argument("eps", Number(0), default, doc="added to the variance")


AXES = Argument(
    "axes",
    Either(ListOf(Int(), 1), Nothing()),
    None,
    doc="the last axes, or [1] for the channels of a feature map; the batch axis is 0",
)
MOMENTUM = Either(Number(0, 1), Nothing())

OPS: tuple[Op, ...] = (
    define(
        "lrn",
        family="normalisation",
        summary="Local response normalisation over neighbouring channels (AlexNet).",
        infer=infer_lrn,
        arguments=(
            Argument("size", Int(1), doc="how many neighbouring channels count"),
            Argument("alpha", Number(), 1e-4, doc="factor of the mean square (papers' alpha times size)"),
            Argument("beta", Number(), 0.75, doc="exponent"),
            Argument("k", Number(), 1.0, doc="added before the exponent is applied"),
        ),
        foreign=("LRN", "LocalResponseNorm", "LocalResponseNormalization", "local_response_norm"),
        behaviour=Behaviour(reach="point", traffic=Traffic(inputs=True, kept=3.0, evaluation=2.0, backward=2.03)),
        formula="x / (k + alpha/size * sum of squares over size channels)^beta",
    ),
    define(
        "batch_norm",
        family="normalisation",
        summary="Batch normalisation per channel; running statistics outside training.",
        infer=infer_batch_norm,
        arguments=(
            eps(),
            Argument(
                "momentum",
                MOMENTUM,
                0.1,
                doc="share of the new batch in the running statistics; null averages all batches",
            ),
            Argument("affine", Bool(), True, doc="whether a weight and a bias per channel are learned"),
            Argument("track_running_stats", Bool(), True, doc="whether running statistics are kept"),
            Argument("num_features", Int(1), implied=True, doc="channels of the input"),
        ),
        parameters=affine("num_features"),
        foreign=(
            "BatchNorm",
            "BatchNorm1d",
            "BatchNorm2d",
            "BatchNorm3d",
            "BatchNormalization",
            "SyncBatchNorm",
            "batchnorm",
            "bn",
        ),
        behaviour=Behaviour(reach="point", over_batch=True, traffic=KEEPS_INPUTS),
        formula="(x - mean) / sqrt(var + eps) * weight + bias",
    ),
    define(
        "layer_norm",
        family="normalisation",
        summary="Normalises each position over the given axes, by default the last one.",
        infer=infer_layer_norm,
        arguments=(
            AXES,
            eps(),
            Argument("elementwise_affine", Bool(), True, doc="whether a weight and a bias are learned"),
            Argument("bias", Bool(), True, doc="whether the affine part has a bias"),
        ),
        parameters=layer_norm_parameters,
        foreign=("LayerNorm", "LayerNormalization", "LayerNorm2d", "layernorm"),
        behaviour=Behaviour(mixes="axes", traffic=KEEPS_INPUTS),
        formula="(x - mean) / sqrt(var + eps) * weight + bias, over axes",
    ),
    define(
        "rms_norm",
        family="normalisation",
        summary="Divides each position by its root mean square over the given axes, by default the last one.",
        infer=infer_rms_norm,
        arguments=(
            AXES,
            Argument(
                "eps",
                Either(Number(0), Nothing()),
                None,
                doc="added to the mean square; null is the number type's own step, 1.2e-07 for float32",
            ),
            Argument("elementwise_affine", Bool(), True, doc="whether a weight is learned"),
        ),
        parameters=layer_norm_parameters,
        foreign=("RMSNorm", "RMSNormalization", "rmsnorm"),
        behaviour=Behaviour(
            mixes="axes", traffic=Traffic(inputs=True, kept=1.0, forward=1.0, evaluation=1.0, backward=2.0)
        ),
        formula="x / sqrt(mean(x^2) + eps) * weight, over axes",
    ),
    define(
        "group_norm",
        family="normalisation",
        summary="Normalises each sample over groups of channels.",
        infer=infer_group_norm,
        arguments=(
            Argument("num_groups", Int(1), doc="groups that the channels are divided into"),
            eps(),
            Argument("affine", Bool(), True, doc="whether a weight and a bias per channel are learned"),
            Argument("num_channels", Int(1), implied=True, doc="channels of the input"),
        ),
        parameters=affine("num_channels"),
        foreign=("GroupNorm", "GroupNormalization", "groupnorm"),
        behaviour=Behaviour(reach="whole", traffic=KEEPS_INPUTS, curable=("num_groups",)),
        formula="(x - mean) / sqrt(var + eps) * weight + bias, per group",
    ),
    define(
        "instance_norm",
        family="normalisation",
        summary="Normalises each channel of each sample over its positions.",
        infer=infer_instance_norm,
        arguments=(
            eps(),
            Argument("momentum", MOMENTUM, 0.1, doc="share of the new batch in the running statistics"),
            Argument("affine", Bool(), False, doc="whether a weight and a bias per channel are learned"),
            Argument("track_running_stats", Bool(), False, doc="whether running statistics are kept"),
            Argument("num_features", Int(1), implied=True, doc="channels of the input"),
        ),
        parameters=affine("num_features"),
        foreign=(
            "InstanceNorm",
            "InstanceNorm1d",
            "InstanceNorm2d",
            "InstanceNorm3d",
            "InstanceNormalization",
            "instancenorm",
        ),
        behaviour=Behaviour(reach="whole", traffic=KEEPS_INPUTS),
        formula="(x - mean) / sqrt(var + eps) * weight + bias, per sample and channel",
    ),
    define(
        "dynamic_tanh",
        family="normalisation",
        summary="A bounded curve of learned slope in the place of a normalisation (Zhu et al. 2025).",
        infer=infer_dynamic_tanh,
        arguments=(
            Argument("num_features", Int(1), implied=True, doc="channels of the input"),
            Argument("init_alpha", Number(), 0.5, doc="first value of the slope"),
            Argument("dim", Int(), 1, doc="axis of the channels; the batch axis is 0"),
        ),
        parameters=dynamic_tanh_parameters,
        multiply_adds=dynamic_tanh_multiply_adds,
        foreign=("DynamicTanh", "DyT"),
        behaviour=Behaviour(
            pointwise=True,
            reach="point",
            traffic=Traffic(inputs=True, kept=1.0, forward=2.0, evaluation=1.0, backward=1.0),
        ),
        formula="weight * tanh(alpha * x) + bias",
    ),
    define(
        "global_response_norm",
        family="normalisation",
        summary="Adds to each channel its share of the response over the whole map (ConvNeXt V2).",
        infer=infer_global_response_norm,
        arguments=(
            Argument("num_features", Int(1), implied=True, doc="channels of the input"),
            Argument("eps", Number(0), 1e-6, doc="added to the mean norm"),
        ),
        parameters=global_response_norm_parameters,
        multiply_adds=global_response_norm_multiply_adds,
        foreign=("GlobalResponseNorm", "GlobalResponseNormalization", "GRN"),
        behaviour=Behaviour(
            reach="whole", traffic=Traffic(inputs=True, kept=1.0, forward=2.0, evaluation=1.0, backward=1.0)
        ),
        formula="x + weight * (x * n) + bias, n = g / (mean of g over channels + eps), g = norm of x over the map",
    ),
)
