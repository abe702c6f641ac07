"""Folding: nodes of an ONNX file whose inputs are all known are computed here, with bounds.

Shapes are constants too: where a size is a symbol, an array of objects holds numbers and symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specgraph.graph.dims import SymbolicDim
from specgraph.importers import constant_folds as folds
from specgraph.importers.budget import Budget
from specgraph.importers.flat import Refusal
from specgraph.importers.onnx_file import MAX_ELEMENTS, OnnxNode

Array = NDArray[Any]
Fold = Callable[[OnnxNode, list[Array], int], Array | list[Array]]

_CASTS = {
    1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16, 11: np.float64, 2: np.uint8, 3: np.int8,
}  # fmt: skip


def fold(node: OnnxNode, inputs: list[Array], opset: int, budget: Budget) -> list[Array] | None:
    """The values of a node whose inputs are constants; None where the op is not folded.

    Raises `Refusal` where it cannot be computed or would be too large.
    """
    rule = _FOLDS.get(node.op_type)
    if rule is None:
        return None
    try:
        if any(has_symbols(array) for array in inputs):
            inputs = [array.astype(object) if array.dtype.kind in "iu" else array for array in inputs]
        else:
            budget.take_for(node, inputs)
        with np.errstate(all="ignore"):
            found = rule(node, inputs, opset)
        return [_plain(np.asarray(array)) for array in (found if isinstance(found, list) else [found])]
    except (ValueError, IndexError, TypeError, KeyError, OverflowError, ZeroDivisionError) as error:
        if any(has_symbols(array) for array in inputs):
            raise Refusal("it computes with a size that the file leaves free") from error
        raise Refusal(f"its constant inputs do not fit together: {error}") from error


def _plain(array: Array) -> Array:
    """A shape without symbols as numbers."""
    return array if array.dtype != object or has_symbols(array) else array.astype(np.int64)


def shape_array(dims: Sequence[Any]) -> Array:
    """A shape as a constant: numbers, or an array of objects where some are symbols."""
    if any(isinstance(dim, SymbolicDim) for dim in dims):
        array = np.empty(len(dims), object)
        array[:] = dims
        return array
    return np.asarray(dims, np.int64)


def has_symbols(array: Array) -> bool:
    """Whether a constant holds sizes that are symbols."""
    return array.dtype == object and any(isinstance(item, SymbolicDim) for item in array.ravel())


def integers(array: Array) -> list[int]:
    """A constant of integers as a list. Raises `Refusal` for symbols."""
    if has_symbols(array):
        raise Refusal("it depends on a size that is not known before the network runs")
    return [int(item) for item in np.asarray(array).ravel()]


def _bounded(shape: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(int(size) for size in shape)
    if any(size < 0 for size in sizes) or prod(sizes) > MAX_ELEMENTS:
        raise Refusal(f"it makes a constant of {'x'.join(map(str, sizes))}")
    return sizes


def _constant(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    for key, value in node.attributes.items():
        if key == "value":
            return np.asarray(value)
        if key in ("value_int", "value_ints"):
            return np.asarray(value, np.int64)
        if key in ("value_float", "value_floats"):
            return np.asarray(value, np.float32)
    raise Refusal("its constant cannot be read")


def _constant_of_shape(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    value = np.asarray(node.attributes.get("value", np.zeros(1, np.float32))).reshape(-1)[0]
    return np.broadcast_to(value, _bounded(integers(inputs[0])))


def axes_of(node: OnnxNode, inputs: list[Array]) -> list[int]:
    return integers(inputs[1]) if len(inputs) > 1 else [int(axis) for axis in node.attributes.get("axes", [])]


def _unsqueeze(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    axes = axes_of(node, inputs)
    rank = inputs[0].ndim + len(axes)
    return np.expand_dims(inputs[0], tuple(axis % rank for axis in axes))


def _squeeze(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    axes = axes_of(node, inputs)
    return np.squeeze(inputs[0], tuple(axes) if axes else None)


def _gather(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    return np.take(inputs[0], inputs[1].astype(np.int64), axis=int(node.attributes.get("axis", 0)))


def _slice(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    if opset < 10:
        starts, ends = node.attributes["starts"], node.attributes["ends"]
        axes, steps = node.attributes.get("axes"), None
    else:
        starts, ends = integers(inputs[1]), integers(inputs[2])
        axes = integers(inputs[3]) if len(inputs) > 3 else None
        steps = integers(inputs[4]) if len(inputs) > 4 else None
    index = [slice(None)] * inputs[0].ndim
    for position, (start, end) in enumerate(zip(starts, ends, strict=True)):
        axis = axes[position] if axes else position
        step = steps[position] if steps else 1
        stop = None if end < -(2**31) or (step < 0 and end < -inputs[0].shape[axis]) else end
        index[axis] = slice(start, stop, step)
    return inputs[0][tuple(index)]


def _reshape(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    shape = integers(inputs[1])
    sizes = [inputs[0].shape[i] if size == 0 and i < inputs[0].ndim else size for i, size in enumerate(shape)]
    return inputs[0].reshape(sizes)


def _cast(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    if inputs[0].dtype == object:
        return inputs[0]
    return inputs[0].astype(_CASTS[int(node.attributes["to"])])


def _binary(function: Callable[[Any, Any], Any]) -> Fold:
    def rule(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
        left, right = inputs
        _bounded(np.broadcast_shapes(left.shape, right.shape))
        return np.asarray(function(left, right))

    return rule


def _divide(left: Any, right: Any) -> Any:
    if left.dtype == object or np.issubdtype(left.dtype, np.integer):
        return left // right
    return left / right


def _sum_of(function: Callable[..., Any]) -> Fold:
    def rule(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
        axes = axes_of(node, inputs)
        keep = bool(node.attributes.get("keepdims", 1))
        return np.asarray(function(inputs[0], axis=tuple(axes) if axes else None, keepdims=keep))

    return rule


def _norm(array: Array, axis: tuple[int, ...] | None, keepdims: bool) -> Array:
    return np.asarray(np.sqrt(np.square(array).sum(axis=axis, keepdims=keepdims)))


def _where(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    _bounded(np.broadcast_shapes(*(array.shape for array in inputs)))
    return np.where(*inputs)


def _product(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    left, right = inputs
    work = left.size * (right.shape[-1] if right.ndim > 1 else 1)
    if work > MAX_ELEMENTS or right.size > MAX_ELEMENTS:
        raise Refusal("it multiplies constants that are too large to compute here")
    _bounded((*np.broadcast_shapes(left.shape[:-2], right.shape[:-2]), *left.shape[-2:-1], *right.shape[-1:]))
    return np.asarray(np.matmul(left, right))


def _expand(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    shape = _bounded(np.broadcast_shapes(inputs[0].shape, tuple(integers(inputs[1]))))
    return np.broadcast_to(inputs[0], shape)


def _range(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    start, limit, delta = (item.reshape(-1)[0] for item in inputs)
    _bounded([max(0, int(np.ceil((limit - start) / delta)))])
    return np.arange(start, limit, delta)


_FOLDS: dict[str, Fold] = {
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Identity": lambda node, inputs, opset: inputs[0],
    "Shape": lambda node, inputs, opset: np.asarray(inputs[0].shape, np.int64),
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Gather": _gather,
    "Slice": _slice,
    "Concat": lambda node, inputs, opset: np.concatenate(inputs, axis=int(node.attributes["axis"])),
    "Reshape": _reshape,
    "Transpose": lambda node, inputs, opset: np.transpose(inputs[0], node.attributes.get("perm")),
    "Cast": _cast,
    "Add": _binary(lambda a, b: a + b),
    "Sub": _binary(lambda a, b: a - b),
    "Mul": _binary(lambda a, b: a * b),
    "Div": _binary(_divide),
    "Pow": _binary(lambda a, b: a**b),
    "Mod": _binary(np.mod),
    "Equal": _binary(lambda a, b: a == b),
    "Greater": _binary(lambda a, b: a > b),
    "GreaterOrEqual": _binary(lambda a, b: a >= b),
    "Less": _binary(lambda a, b: a < b),
    "LessOrEqual": _binary(lambda a, b: a <= b),
    "And": _binary(np.logical_and),
    "Or": _binary(np.logical_or),
    "Not": lambda node, inputs, opset: np.logical_not(inputs[0]),
    "Where": _where,
    "MatMul": _product,
    "Abs": lambda node, inputs, opset: np.abs(inputs[0]),
    "Sqrt": lambda node, inputs, opset: np.sqrt(inputs[0]),
    "Neg": lambda node, inputs, opset: -inputs[0],
    "Exp": lambda node, inputs, opset: np.exp(inputs[0]),
    "Reciprocal": lambda node, inputs, opset: 1 / inputs[0],
    "Floor": lambda node, inputs, opset: np.floor(inputs[0]),
    "Ceil": lambda node, inputs, opset: np.ceil(inputs[0]),
    "ReduceSum": _sum_of(np.sum),
    "ReduceMean": _sum_of(np.mean),
    "ReduceL2": _sum_of(_norm),
    "ReduceMax": _sum_of(np.max),
    "ReduceMin": _sum_of(np.min),
    "ReduceProd": _sum_of(np.prod),
    "Expand": _expand,
    "Range": _range,
    "Split": folds.split,
    "Relu": folds.relu,
    "Sigmoid": folds.sigmoid,
    "Tanh": lambda node, inputs, opset: np.tanh(inputs[0]),
    "Erf": folds.error_function,
    "Gelu": folds.gelu,
    "Sin": lambda node, inputs, opset: np.sin(inputs[0]),
    "Cos": lambda node, inputs, opset: np.cos(inputs[0]),
    "Log": lambda node, inputs, opset: np.log(inputs[0]),
    "Sign": lambda node, inputs, opset: np.sign(inputs[0]),
    "Round": lambda node, inputs, opset: np.round(inputs[0]),
    "Max": lambda node, inputs, opset: reduce(np.maximum, inputs),
    "Min": lambda node, inputs, opset: reduce(np.minimum, inputs),
    "Clip": folds.clip,
    "Softmax": folds.softmax,
    "Gemm": folds.gemm,
    "LayerNormalization": folds.layer_normalization,
    "ScatterND": folds.scatter_nd,
    "GatherND": folds.gather_nd,
    "GatherElements": folds.gather_elements,
    "Trilu": folds.triangle,
    "Tile": folds.tile,
    "CumSum": folds.running_sum,
    "NonZero": lambda node, inputs, opset: np.asarray(np.nonzero(inputs[0]), np.int64),
}
