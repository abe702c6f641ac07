"""Residual regularisation: `stochastic_depth`, `layer_scale`."""

from __future__ import annotations

from typing import Any

from specgraph.graph.dims import Dim, product
from specgraph.graph.model import Node, Parameter
from specgraph.graph.types import TensorType
from specgraph.kinds.kinds import Choice, Number
from specgraph.ops.behaviour import NO_TRAFFIC, Behaviour, Traffic, drops_all, drops_nothing
from specgraph.ops.definition import Argument, Call, Op, define


def infer_stochastic_depth(call: Call) -> TensorType:
    """The input's own type."""
    return call.input


def infer_layer_scale(call: Call) -> TensorType:
    """The input's own type."""
    kind = call.input
    call.number(kind.dims[scaled_axis(kind)], f"the number of channels of {call.name}")
    return kind


def scaled_axis(kind: TensorType) -> int:
    """Where the channels are, as an index of `dims`: last in a vector or with channels last, else first."""
    return len(kind.dims) - 1 if kind.axes[-1] in ("C", "F") else 0


def layer_scale_parameters(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """One factor per channel, (C, 1, 1) for a map of two spatial axes; its path is the node's own."""
    kind = inputs[0]
    axis = scaled_axis(kind)
    channels = kind.dims[axis]
    assert isinstance(channels, int)
    return (Parameter("", (channels, *(1,) * (len(kind.dims) - 1 - axis))),)


def layer_scale_multiply_adds(node: Node) -> Dim:
    """One per value."""
    return product(node.output.dims)


OPS: tuple[Op, ...] = (
    define(
        "stochastic_depth",
        family="regularisation",
        summary="Drops whole samples of a residual branch at random in training (Huang et al. 2016).",
        infer=infer_stochastic_depth,
        arguments=(
            Argument("p", Number(0, 1), doc="probability that a branch is dropped"),
            Argument("mode", Choice("row", "batch"), "row", doc="per sample, or for the whole batch at once"),
        ),
        foreign=("StochasticDepth", "DropPath", "drop_path"),
        behaviour=Behaviour(
            pointwise=True,
            reach="point",
            training_only=True,
            drops_branches=True,
            no_effect=drops_nothing("p"),
            constant=drops_all("p"),
            traffic=NO_TRAFFIC,
        ),
        formula="x * bernoulli(1 - p) / (1 - p)",
    ),
    define(
        "layer_scale",
        family="regularisation",
        summary="A learned factor per channel, small at first (CaiT, ConvNeXt).",
        infer=infer_layer_scale,
        arguments=(Argument("init_value", Number(), 1e-6, doc="every factor's first value"),),
        parameters=layer_scale_parameters,
        multiply_adds=layer_scale_multiply_adds,
        foreign=("LayerScale", "layerscale"),
        behaviour=Behaviour(pointwise=True, reach="point", traffic=Traffic(inputs=True, backward=1.0)),
        formula="weight * x",
    ),
)
