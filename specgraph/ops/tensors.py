"""Tensors that the network holds itself: `parameter`, which is learned, and `constant`, which is fixed.

Neither has samples: what is made of them alone is the same for every sample of a batch.
"""

from __future__ import annotations

from math import prod
from typing import Any

from specgraph.graph.model import Parameter
from specgraph.graph.types import UNKNOWN_AXIS, TensorType
from specgraph.kinds.kinds import Bool, Either, Int, ListOf, Nothing, Number
from specgraph.ops.behaviour import NO_TRAFFIC, Behaviour
from specgraph.ops.definition import Argument, Call, Op, define

MOST_AXES = 7
HOLDS = Behaviour(reach="point", traffic=NO_TRAFFIC)


def held_type(shape: tuple[int, ...]) -> TensorType:
    """The type of a tensor of that shape, without samples: features along the last axis."""
    axes = ("F",) if len(shape) == 1 else (*[UNKNOWN_AXIS] * (len(shape) - 1), "C")
    return TensorType(shape, axes, batched=False)


def infer_parameter(call: Call) -> TensorType:
    """The shape as written, without samples."""
    return held_type(tuple(call.arguments["shape"]))


def infer_constant(call: Call) -> TensorType:
    """The shape as written; that of a list is its length. Raises `Fault` unless a list fills the shape."""
    value, shape = call.arguments["value"], call.arguments["shape"]
    if isinstance(value, tuple):
        shape = (len(value),) if shape is None else shape
        if prod(shape) != len(value):
            facts = {"shape": list(shape), "known": prod(shape), "given": len(value)}
            raise call.fault("reshape-size-mismatch", "values", facts, argument="shape")
    elif shape is None:
        shape = (1,)
    call.arguments["shape"] = tuple(shape)
    return held_type(tuple(shape))


def stored_shape(arguments: dict[str, Any]) -> tuple[int, ...]:
    """The shape of the tensor in the `state_dict`."""
    return ((1,) if arguments["batch_axis"] else ()) + tuple(arguments["shape"])


def own_parameter(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """A parameter at the node's own path."""
    return (Parameter("", stored_shape(arguments)),)


def own_buffer(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> tuple[Parameter, ...]:
    """A buffer at the node's own path, if the `state_dict` has it."""
    return (Parameter("", stored_shape(arguments), trainable=False),) if arguments["persistent"] else ()


BATCH_AXIS = Argument(
    "batch_axis", Bool(), False, doc="whether the tensor in the state_dict has an axis of size 1 before its other axes"
)
OPS: tuple[Op, ...] = (
    define(
        "parameter",
        family="tensors",
        summary="A learned tensor: a class token, a position embedding, a factor. It reads nothing.",
        infer=infer_parameter,
        arguments=(
            Argument("shape", ListOf(Int(1), 1, MOST_AXES), doc="sizes without the batch axis"),
            BATCH_AXIS,
        ),
        parameters=own_parameter,
        num_inputs=(0, 0),
        foreign=("Parameter", "learned_tensor"),
        behaviour=HOLDS,
        formula="out = the tensor, the same for all samples",
    ),
    define(
        "constant",
        family="tensors",
        summary="A fixed tensor. It reads nothing.",
        infer=infer_constant,
        arguments=(
            Argument("value", Either(Number(), ListOf(Number(), 1)), doc="the number that fills it, or all numbers"),
            Argument(
                "shape", Either(ListOf(Int(1), 1, MOST_AXES), Nothing()), None, doc="sizes without the batch axis"
            ),
            BATCH_AXIS,
            Argument("persistent", Bool(), True, doc="whether the state_dict has it"),
        ),
        parameters=own_buffer,
        num_inputs=(0, 0),
        foreign=("Constant", "Buffer", "buffer"),
        behaviour=HOLDS,
        formula="out = the tensor, the same for all samples",
    ),
)
