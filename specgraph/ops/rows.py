"""Ops that PyTorch, ONNX and a spec agree on: one row says how each of them writes an op.

A row serves both directions: the lowerings to PyTorch and to ONNX, and the importers of traced modules and of
ONNX files. Arguments have PyTorch's names, so of PyTorch a row says only what it calls the op. What one row
cannot say stands in the family's own files, whose entries win over rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Kind = Literal["number", "whole", "flag", "text", "axis", "window", "pads"]
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Attribute(NamedTuple):
    """An argument as an ONNX attribute, and ONNX's default where a file may leave it out; that of a window is one
    number for all axes.

    `kind`: a `number`, a `whole` one, a `flag` (0 or 1), a `text`, an `axis`, one number per spatial axis
    (`window`), or what is added before and after each (`pads`). `also` names ONNX attributes of the same value.
    """

    name: str
    kind: Kind = "number"
    default: Any = None
    also: tuple[str, ...] = ()


class Row(NamedTuple):
    """How PyTorch and ONNX write an op. In `module` and `call`, `{rank}` stands for the number of spatial axes.

    `module` is a class under `torch`, or one of `backends/torch/modules.py`, which takes the arguments `positional` by
    position and those `required` always; empty for a function of `torch`, that of `call`. `call` is what a traced
    module calls, `onnx` the op type, or an expression of several (`composed.py`); empty where it is written by hand.
    `attributes` maps arguments to ONNX attributes; `parameters` are ONNX's inputs after the first, in order, or names
    in the expression. `sizes` maps an argument that no call names to an axis of a parameter: `("weight", 0)`. `fixed`
    are ONNX attributes that must be at this value, which is their default. Of several rows of one ONNX op, that one
    counts whose attributes fit. `leaf` says that the module is traced in several calls, so that it is read whole.
    """

    op: str
    module: str
    call: str = ""
    onnx: str = ""
    attributes: Mapping[str, Attribute] = NOTHING
    parameters: tuple[str, ...] = ()
    sizes: Mapping[str, tuple[str, int]] = NOTHING
    positional: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    fixed: Mapping[str, Any] = NOTHING
    leaf: bool = False

    @property
    def is_composed(self) -> bool:
        """Whether ONNX says the op by an expression."""
        return "(" in self.onnx


ALPHA = Attribute("alpha", default=1.0)
AXIS = {"dim": Attribute("axis", "axis", -1)}

ROWS = (
    Row("relu", "nn.ReLU", "relu", "Relu"),
    Row("relu6", "nn.ReLU6", "relu6"),
    Row("leaky_relu", "nn.LeakyReLU", "leaky_relu", "LeakyRelu", {"negative_slope": Attribute("alpha", default=0.01)}),
    Row("prelu", "nn.PReLU"),
    Row("elu", "nn.ELU", "", "Elu", {"alpha": ALPHA}),
    Row("celu", "nn.CELU", "celu", "Celu", {"alpha": ALPHA}),
    Row("sigmoid", "nn.Sigmoid", "sigmoid", "Sigmoid"),
    Row("tanh", "nn.Tanh", "tanh", "Tanh"),
    Row("silu", "nn.SiLU", "silu", "Mul(x, Sigmoid(x))"),
    Row("gelu", "nn.GELU", "gelu", "Gelu", {"approximate": Attribute("approximate", "text", "none")}),
    Row("hardswish", "nn.Hardswish", "hardswish", "HardSwish"),
    Row("hardsigmoid", "nn.Hardsigmoid", "hardsigmoid"),
    Row("hardtanh", "nn.Hardtanh"),
    Row("clamp", "", "clamp"),
    Row("exp", "", "exp", "Exp"),
    Row("erf", "", "erf", "Erf"),
    Row("abs", "", "abs", "Abs"),
    Row("log", "", "log", "Log"),
    Row("sqrt", "", "sqrt", "Sqrt"),
    Row("reciprocal", "", "reciprocal", "Reciprocal"),
    Row("log_sigmoid", "nn.LogSigmoid", "log_sigmoid", "Neg(Softplus(Neg(x)))"),
    Row("tanhshrink", "nn.Tanhshrink", "tanhshrink", "Sub(x, Tanh(x))", leaf=True),
    Row("threshold", "nn.Threshold", "threshold", "Where(Greater(x, threshold), x, value)"),
    Row("softplus", "nn.Softplus", "softplus", "Softplus"),
    Row("squareplus", "Squareplus", onnx="Div(Add(x, Sqrt(Add(Mul(x, x), b))), 2)", leaf=True),
    Row("softsign", "nn.Softsign", "", "Softsign"),
    Row("mish", "nn.Mish", "mish", "Mish"),
    Row(
        "hardshrink",
        "nn.Hardshrink",
        "hardshrink",
        "Shrink",
        {"lambd": Attribute("lambd", default=0.5)},
        fixed={"bias": 0.0},
    ),
    Row(
        "softshrink",
        "nn.Softshrink",
        "softshrink",
        "Shrink",
        {"lambd": Attribute("lambd", default=0.5, also=("bias",))},
    ),
    Row("softmax", "nn.Softmax", "softmax", "Softmax", AXIS, required=("dim",)),
    Row("log_softmax", "nn.LogSoftmax", "log_softmax", "LogSoftmax", AXIS, required=("dim",)),
    Row("glu", "nn.GLU", "glu", attributes=AXIS, required=("dim",)),
    Row(
        "dynamic_tanh",
        "DynamicTanh",
        onnx="Add(Mul(Tanh(Mul(x, alpha)), weight), bias)",
        parameters=("alpha", "weight", "bias"),
        positional=("num_features",),
        leaf=True,
    ),
    Row(
        "snake",
        "Snake",
        onnx="Add(x, Div(Mul(Sin(Mul(x, alpha)), Sin(Mul(x, alpha))), alpha))",
        parameters=("alpha",),
        positional=("num_features",),
        leaf=True,
    ),
    Row(
        "global_response_norm",
        "GlobalResponseNorm",
        onnx="Add(Add(x, Mul(Mul(x, Div(ReduceL2(x, axes=space), "
        "Add(ReduceMean(ReduceL2(x, axes=space), axes=channels), eps))), weight)), bias)",
        parameters=("weight", "bias"),
        positional=("num_features",),
        leaf=True,
    ),
    Row("lp_pool", "nn.LPPool{rank}d", leaf=True),
    Row("window", "Window", positional=("window_size",), leaf=True),
    Row("unwindow", "Unwindow", positional=("window_size",)),
    Row("window_mask", "WindowMask", positional=("window_size",)),
    Row(
        "min_pool",
        "MinPool",
        onnx="Neg(MaxPool(Neg(x), kernel_shape=kernel_size, strides=stride, pads=padding, dilations=dilation))",
        attributes={
            "kernel_size": Attribute("kernel_shape", "window"),
            "stride": Attribute("strides", "window", 1),
            "padding": Attribute("pads", "pads"),
            "dilation": Attribute("dilations", "window", 1),
        },
        leaf=True,
    ),
    Row(
        "range_pool",
        "RangePool",
        onnx="Add(MaxPool(x, kernel_shape=kernel_size, strides=stride, pads=padding), "
        "MaxPool(Neg(x), kernel_shape=kernel_size, strides=stride, pads=padding))",
        attributes={
            "kernel_size": Attribute("kernel_shape", "window"),
            "stride": Attribute("strides", "window", 1),
            "padding": Attribute("pads", "pads"),
        },
        leaf=True,
    ),
    Row("soft_pool", "SoftPool", leaf=True),
    Row("channel_shuffle", "nn.ChannelShuffle", positional=("groups",)),
    Row("pixel_shuffle", "nn.PixelShuffle", "pixel_shuffle", positional=("upscale_factor",)),
    Row("identity", "nn.Identity"),
)


@cache
def rows() -> Mapping[str, Row]:
    """The row of each op that has one, by the op's name."""
    return {row.op: row for row in ROWS}
