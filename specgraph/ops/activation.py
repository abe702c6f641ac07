"""Activations: each value on its own, or against the others along one axis (softmax)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf

from specgraph.graph.model import Node
from specgraph.kinds.kinds import Choice, Either, Int, Nothing, Number
from specgraph.ops.activation_rules import (
    glu_arithmetic,
    glu_multiply_adds,
    infer_clamp,
    infer_elementwise,
    infer_glu,
    infer_hardtanh,
    infer_prelu,
    infer_snake,
    infer_softmax,
    prelu_parameters,
    snake_parameters,
)
from specgraph.ops.behaviour import KEEPS_INPUTS, KEEPS_OUTPUT, Behaviour, Traffic, When, size_along
from specgraph.ops.definition import Argument, InferRule, Op, ParameterRule, define, no_parameters


def has_one_score(node: Node) -> bool:
    """Whether there is a single value along the axis that sums to one."""
    return bool(size_along(node, "dim") == 1)


_point = partial(Behaviour, pointwise=True, reach="point")
SMOOTH = _point(traffic=KEEPS_INPUTS)
PASSES_POSITIVE = _point(keeps=(0, inf), traffic=KEEPS_INPUTS)
NOTHING_SMALL = When(lambda node: bool(node.arguments["lambd"] == 0), "with lambd 0 nothing is small")
SHRINKS = _point(no_effect=NOTHING_SMALL, traffic=KEEPS_INPUTS)
SLOPE_OF_ONE = When(lambda node: bool(node.arguments["negative_slope"] == 1), "with slope 1 it is the identity")


def _activation(
    name: str,
    summary: str,
    formula: str,
    *arguments: Argument,
    behaviour: Behaviour = SMOOTH,
    foreign: Sequence[str] = (),
    infer: InferRule = infer_elementwise,
    parameters: ParameterRule = no_parameters,
) -> Op:
    return define(
        name,
        family="activation",
        summary=summary,
        infer=infer,
        arguments=arguments,
        parameters=parameters,
        foreign=foreign,
        behaviour=behaviour,
        formula=formula,
    )


DIM = Argument("dim", Int(), 1, doc="axis that sums to one; the batch axis is 0")

YES_OR_NO = {True: "tanh", False: "none"}
OPS: tuple[Op, ...] = (
    _activation(
        "relu",
        "Rectified linear unit.",
        "max(x, 0)",
        foreign=("ReLU", "Relu", "RELU", "rectifier"),
        behaviour=_point(range=(0, inf), keeps=(0, inf), cuts=True, traffic=KEEPS_OUTPUT),
    ),
    _activation(
        "relu6",
        "Rectified linear unit that stops at 6.",
        "min(max(x, 0), 6)",
        foreign=("ReLU6", "Relu6"),
        behaviour=_point(range=(0, 6), keeps=(0, 6), cuts=True, traffic=KEEPS_INPUTS),
    ),
    _activation(
        "leaky_relu",
        "Rectified linear unit with a small slope below zero.",
        "x if x > 0 else negative_slope * x",
        Argument("negative_slope", Number(), 0.01, doc="slope below zero"),
        foreign=("LeakyReLU", "LeakyRelu", "leakyrelu", "lrelu", "leaky"),
        behaviour=_point(keeps=(0, inf), no_effect=SLOPE_OF_ONE, traffic=KEEPS_INPUTS),
    ),
    _activation(
        "prelu",
        "Rectified linear unit whose slope below zero is learned.",
        "x if x > 0 else weight * x",
        Argument("num_parameters", Int(1), 1, doc="slopes: 1, or the number of channels"),
        foreign=("PReLU", "PRelu"),
        behaviour=_point(keeps=(0, inf), traffic=Traffic(inputs=True, backward=1.0)),
        infer=infer_prelu,
        parameters=prelu_parameters,
    ),
    _activation(
        "elu",
        "Exponential linear unit.",
        "x if x > 0 else alpha * (exp(x) - 1)",
        Argument("alpha", Number(), 1.0, doc="limit far below zero, negated"),
        foreign=("ELU", "Elu"),
        behaviour=PASSES_POSITIVE,
    ),
    _activation(
        "celu",
        "Exponential linear unit whose slope is continuous at zero for every alpha.",
        "max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)",
        Argument("alpha", Number(above=0), 1.0, doc="limit far below zero, negated"),
        foreign=("CELU", "Celu"),
        behaviour=PASSES_POSITIVE,
    ),
    _activation(
        "sigmoid",
        "Logistic function.",
        "1 / (1 + exp(-x))",
        foreign=("Sigmoid", "logistic"),
        behaviour=_point(range=(0, 1), scores="probability", traffic=KEEPS_OUTPUT),
    ),
    _activation(
        "tanh",
        "Hyperbolic tangent.",
        "tanh(x)",
        foreign=("Tanh", "TanH"),
        behaviour=_point(range=(-1, 1), traffic=KEEPS_OUTPUT),
    ),
    _activation("silu", "Sigmoid linear unit (swish).", "x * sigmoid(x)", foreign=("SiLU", "Swish", "swish")),
    _activation(
        "gelu",
        "Gaussian error linear unit.",
        "x * Phi(x)",
        Argument("approximate", Choice("none", "tanh", elsewhere=YES_OR_NO), "none", doc="exact, or by tanh"),
        foreign=("GELU", "Gelu"),
    ),
    _activation(
        "hardswish",
        "Piecewise form of silu.",
        "x * min(max(x + 3, 0), 6) / 6",
        foreign=("Hardswish", "HardSwish", "hard_swish", "h_swish", "hswish"),
    ),
    _activation(
        "hardsigmoid",
        "Piecewise form of sigmoid.",
        "min(max(x + 3, 0), 6) / 6",
        foreign=("Hardsigmoid", "HardSigmoid", "hard_sigmoid"),
        behaviour=_point(range=(0, 1), traffic=KEEPS_INPUTS),
    ),
    _activation(
        "hardtanh",
        "Values held between two bounds.",
        "min(max(x, min_val), max_val)",
        Argument("min_val", Number(), -1.0, doc="lower bound"),
        Argument("max_val", Number(), 1.0, doc="upper bound"),
        foreign=("Hardtanh", "HardTanh", "hardtan"),
        behaviour=_point(range=("min_val", "max_val"), keeps=("min_val", "max_val"), traffic=KEEPS_INPUTS),
        infer=infer_hardtanh,
    ),
    _activation(
        "clamp",
        "Values held between bounds, of which one may be left out.",
        "min(max(x, min), max)",
        Argument("min", Either(Number(), Nothing()), None, doc="lower bound, or null for none"),
        Argument("max", Either(Number(), Nothing()), None, doc="upper bound, or null for none"),
        foreign=("clip", "Clip", "clamp_min", "clamp_max"),
        behaviour=_point(traffic=Traffic(inputs=True, backward=0.25)),
        infer=infer_clamp,
    ),
    _activation(
        "erf",
        "The error function.",
        "2 / sqrt(pi) * (integral of exp(-t^2) from 0 to x)",
        foreign=("Erf",),
        behaviour=_point(range=(-1, 1), traffic=Traffic(inputs=True, backward=4.0)),
    ),
    _activation(
        "exp",
        "The exponential function.",
        "exp(x)",
        foreign=("Exp", "exponential"),
        behaviour=_point(range=(0, inf), traffic=KEEPS_OUTPUT),
    ),
    _activation(
        "abs",
        "Absolute values.",
        "|x|",
        foreign=("Abs", "absolute"),
        behaviour=_point(range=(0, inf), keeps=(0, inf), keeps_sign=True, traffic=Traffic(inputs=True, backward=1.0)),
    ),
    _activation("log", "Natural logarithm; of a negative value it is not a number.", "log(x)", foreign=("Log", "ln")),
    _activation(
        "sqrt",
        "Square roots; of a negative value they are not a number.",
        "sqrt(x)",
        foreign=("Sqrt",),
        behaviour=_point(traffic=Traffic(output=True, backward=1.0)),
    ),
    _activation(
        "reciprocal",
        "One over each value.",
        "1 / x",
        foreign=("Reciprocal", "inverse"),
        behaviour=_point(keeps_sign=True, traffic=Traffic(output=True, backward=2.0)),
    ),
    _activation(
        "log_sigmoid",
        "Logarithm of the sigmoid.",
        "log(1 / (1 + exp(-x)))",
        foreign=("LogSigmoid", "logsigmoid"),
        behaviour=_point(range=(-inf, 0), traffic=Traffic(inputs=True, kept=1.0, forward=1.0, evaluation=1.0)),
    ),
    _activation(
        "tanhshrink",
        "What the hyperbolic tangent takes away.",
        "x - tanh(x)",
        foreign=("Tanhshrink", "TanhShrink", "tanh_shrink"),
        behaviour=_point(keeps_sign=True, traffic=Traffic(kept=1.0, forward=1.0, evaluation=1.0, backward=1.0)),
    ),
    _activation(
        "threshold",
        "Values above a threshold; the others become one value.",
        "x where x > threshold, else value",
        Argument("threshold", Number(), doc="values above it stay"),
        Argument("value", Number(), doc="what the others become"),
        foreign=("Threshold",),
        behaviour=_point(traffic=KEEPS_INPUTS),
    ),
    _activation(
        "softplus",
        "Smooth form of relu.",
        "log(1 + exp(beta * x)) / beta",
        Argument("beta", Number(above=0), 1.0, doc="sharpness"),
        Argument("threshold", Number(), 20.0, doc="linear where beta * x is above"),
        foreign=("Softplus", "SoftPlus"),
        behaviour=_point(range=(0, inf), traffic=KEEPS_INPUTS),
    ),
    _activation(
        "squareplus",
        "Smooth form of relu without exponentials (Barron 2021).",
        "(x + sqrt(x^2 + b)) / 2",
        Argument("b", Number(above=0), 4.0, doc="width of the curve around zero"),
        foreign=("Squareplus", "SquarePlus"),
        behaviour=_point(
            range=(0, inf), traffic=Traffic(inputs=True, kept=1.0, forward=2.0, evaluation=2.0, backward=1.0)
        ),
    ),
    _activation(
        "softsign",
        "Sigmoid-like curve by a quotient.",
        "x / (1 + |x|)",
        foreign=("Softsign", "SoftSign"),
        behaviour=_point(
            range=(-1, 1), traffic=Traffic(inputs=True, kept=1.0, forward=1.0, evaluation=1.0, backward=3.0)
        ),
    ),
    _activation(
        "hardshrink",
        "Zero where the value is small, the value elsewhere.",
        "x where |x| > lambd, else 0",
        Argument("lambd", Number(0), 0.5, doc="up to here values become zero"),
        foreign=("Hardshrink", "HardShrink", "hard_shrink"),
        behaviour=SHRINKS,
    ),
    _activation(
        "softshrink",
        "Values moved towards zero by a constant, small ones to zero.",
        "x - lambd where x > lambd, x + lambd where x < -lambd, else 0",
        Argument("lambd", Number(0), 0.5, doc="what values are moved by"),
        foreign=("Softshrink", "SoftShrink", "soft_shrink"),
        behaviour=SHRINKS,
    ),
    _activation(
        "snake",
        "A periodic curve around the identity, of learned frequency (Ziyin et al. 2020).",
        "x + sin(alpha * x)^2 / alpha",
        Argument("num_features", Int(1), implied=True, doc="channels of the input"),
        foreign=("Snake", "Snake1d"),
        behaviour=_point(traffic=Traffic(inputs=True, kept=3.0, forward=4.0, evaluation=1.0, backward=3.0)),
        infer=infer_snake,
        parameters=snake_parameters,
    ),
    _activation("mish", "Self-regularised activation.", "x * tanh(softplus(x))", foreign=("Mish",)),
    _activation(
        "softmax",
        "Exponentials that sum to one along an axis.",
        "exp(x) / sum(exp(x))",
        DIM,
        foreign=("Softmax", "SoftMax", "Softmax2d"),
        infer=infer_softmax,
        behaviour=Behaviour(
            range=(0, 1),
            scores="probabilities",
            mixes="dim",
            constant=When(has_one_score, "the softmax of one score is always 1"),
            traffic=KEEPS_OUTPUT,
        ),
    ),
    _activation(
        "log_softmax",
        "Logarithm of softmax, for the loss nll.",
        "x - log(sum(exp(x)))",
        DIM,
        foreign=("LogSoftmax", "LogSoftMax", "logsoftmax"),
        infer=infer_softmax,
        behaviour=Behaviour(
            range=(-inf, 0),
            scores="log_probabilities",
            mixes="dim",
            constant=When(has_one_score, "the log_softmax of one score is always 0"),
            traffic=KEEPS_OUTPUT,
        ),
    ),
    define(
        "glu",
        family="activation",
        summary="Gated linear unit: the first half, let through by the sigmoid of the second.",
        infer=infer_glu,
        arguments=(Argument("dim", Int(), 1, doc="axis that is split in two halves; the batch axis is 0"),),
        multiply_adds=glu_multiply_adds,
        arithmetic=glu_arithmetic,
        foreign=("GLU",),
        behaviour=Behaviour(mixes="dim", traffic=KEEPS_INPUTS),
        formula="a * sigmoid(b), x = [a, b] along dim",
    ),
)
