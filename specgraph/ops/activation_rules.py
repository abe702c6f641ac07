"""Shapes, parameters and costs of the activations."""

from __future__ import annotations

from typing import Any

from specgraph.graph.dims import Dim, product
from specgraph.graph.model import Node, Parameter
from specgraph.graph.types import TensorType, str_dim
from specgraph.ops.definition import Call


def infer_elementwise(call: Call) -> TensorType:
    """The input's own type."""
    return call.input


def infer_hardtanh(call: Call) -> TensorType:
    """The input's own type; the bounds must be in order."""
    low, high = call.arguments["min_val"], call.arguments["max_val"]
    if low >= high:
        argument = "min_val" if "min_val" in call.stated else "max_val"
        raise call.fault("contradicting-arguments", "bounds", {"low": low, "high": high}, argument=argument)
    return call.input


def infer_clamp(call: Call) -> TensorType:
    """The input's own type; there is a bound, and two are in order."""
    low, high = call.arguments["min"], call.arguments["max"]
    if low is None and high is None:
        raise call.fault("contradicting-arguments", "no bound", {})
    if low is not None and high is not None and low >= high:
        argument = "min" if "min" in call.stated else "max"
        raise call.fault("contradicting-arguments", "clamp bounds", {"low": low, "high": high}, argument=argument)
    return call.input


def infer_prelu(call: Call) -> TensorType:
    """The input's own type; one slope in all, or one per channel."""
    slopes = call.arguments["num_parameters"]
    channels = call.input.dims[0]
    if slopes != 1 and not call.equal(channels, slopes):
        facts = {"stated": slopes, "actual": channels}
        raise call.fault("stated-size-mismatch", "slopes", facts, argument="num_parameters")
    return call.input


def infer_softmax(call: Call) -> TensorType:
    """The input's own type; `dim` must not be the batch axis."""
    call.arguments["dim"] = call.axis("dim", call.arguments["dim"])
    return call.input


def infer_glu(call: Call) -> TensorType:
    """Half the size along `dim`, which must be even and not the batch axis."""
    kind = call.input
    axis = call.arguments["dim"] = call.axis("dim", call.arguments["dim"])
    size = kind.dims[axis - 1]
    half = size // 2
    if not call.equal(half * 2, size):
        even = [number for number, other in enumerate(kind.dims, 1) if isinstance(other, int) and other % 2 == 0]
        blamed: dict[str, Any] = {"argument": "dim"} if "dim" in call.stated else {"inputs": (0,)}
        facts = {"size": size, "axis": axis, "is_channels": kind.axes[axis - 1] == "C", "even": even[:1]}
        raise call.fault("indivisible-groups", "halves", facts, **blamed)
    return kind.with_dims((*kind.dims[: axis - 1], half, *kind.dims[axis:]))


def glu_arithmetic(node: Node, axis: int) -> str:
    """How one size is computed: `64 / 2 = 32`."""
    if node.arguments["dim"] != axis + 2:
        return f"{node.output.dims[axis + 1]} as before"
    return f"{str_dim(node.input_types[0].dims[axis + 1])} / 2 = {node.output.dims[axis + 1]}"


def glu_multiply_adds(node: Node) -> Dim:
    """One per value of the output: the gate."""
    return product(node.output.dims)


def prelu_parameters(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """weight: one slope, or one per channel."""
    return (Parameter("weight", (arguments["num_parameters"],)),)


def infer_snake(call: Call) -> TensorType:
    """The input's own type; one alpha per channel."""
    call.implied("num_features", call.input.dims[0], "channels")
    return call.input


def snake_parameters(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """alpha: one per channel."""
    return (Parameter("alpha", (arguments["num_features"],)),)
