"""Factors and summands of ONNX files, per channel or alike for all: taken up by the layer before them, or
ops of their own that compute the same in training, `layer_scale` and `conv` with a window of one cell per channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from specgraph.graph.types import TensorType
from specgraph.importers.flat import Array, FlatNode, Refusal
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raiser import Raiser, static
from specgraph.ops.regularisation import scaled_axis

_TAKES_CONSTANTS = frozenset({"batch_norm", "layer_norm", "linear", "conv", "conv_transpose", "layer_scale"})
"""Ops whose own parameters may take up what is done to their output."""


class _Form(NamedTuple):
    """An op with its arguments and parameters."""

    op: str
    arguments: dict[str, Any]
    parameters: dict[str, Array]


def apply_affine(raiser: Raiser, node: OnnxNode, path: str, scale: Array, shift: Array) -> None:
    """Compute `node` as `scale * x + shift`; both are broadcast as in the file."""
    axis_scale, scales = varying(raiser, path, scale)
    axis_shift, shifts = varying(raiser, path, shift)
    if (scale == 1).all() and (shift == 0).all():
        raiser.paths[node.outputs[0]] = path
        return
    axes = {axis for axis in (axis_scale, axis_shift) if axis is not None}
    if len(axes) > 1:
        raise Refusal("its constants vary along different axes")
    axis = axes.pop() if axes else None
    if _taken_up(raiser, path, axis, scales, shifts):
        raiser.paths[node.outputs[0]] = path
        return
    weight = next((name for name in node.inputs if name in raiser.constants), "")

    def last(form: _Form, source: str) -> str:
        return raiser.add(node, form.op, [source], form.arguments, form.parameters, weight=weight)

    raiser.paths[node.outputs[0]] = _written(raiser, path, axis, scales, shifts, last)


def affine(raiser: Raiser, path: str, scale: float, shift: float, label: str) -> str:
    """A step that computes `scale * x + shift` with numbers."""

    def last(form: _Form, source: str) -> str:
        return raiser.step(form.op, [source], form.arguments, form.parameters, label=label)

    return _written(raiser, path, None, np.array([scale], np.float32), np.array([shift], np.float32), last)


def _written(
    raiser: Raiser, path: str, axis: int | None, scales: Array, shifts: Array, last: Callable[[_Form, str], str]
) -> str:
    """Path of `scales * x + shifts`, along `axis` or alike for all. `last` adds the node that computes it."""
    kind = raiser.type_of(path)
    if axis is None:
        axis = 1 if shifts.any() else scaled_axis(kind) + 1
    size = static(kind.dims[axis - 1])
    factor, summand = (np.array(np.broadcast_to(values, (size,)), np.float32) for values in (scales, shifts))
    if not summand.any() and scaled_axis(kind) == axis - 1:
        found = last(_form(kind, axis, factor, summand), path)
        raiser.factors[found] = (axis, factor, summand)
        return found
    if kind.is_vector:
        column = raiser.step("reshape", [path], {"shape": [size, 1]}, label="column")
        return raiser.step("flatten", [last(_form(raiser.type_of(column), 1, factor, summand), column)], label="row")
    through = brought_to_front(raiser, path, axis)
    found = last(_form(raiser.type_of(through), 1, factor, summand), through)
    if through != path:
        return raiser.step("permute", [found], {"dims": swap(raiser, path, axis)}, label="back")
    raiser.factors[found] = (axis, factor, summand)
    return found


def _form(kind: TensorType, axis: int, factor: Array, summand: Array) -> _Form:
    """What computes it of a value of that type."""
    size = len(factor)
    if not summand.any() and scaled_axis(kind) == axis - 1:
        first = float(factor[0]) if (factor == factor[0]).all() else 1.0
        shape = (size, *(1,) * (kind.rank - axis))
        return _Form("layer_scale", {"init_value": _short(first)}, {"": factor.reshape(shape)})
    weight = factor.reshape(size, 1, *(1,) * (kind.rank - 1))
    arguments: dict[str, Any] = {"out_channels": size, "kernel_size": 1, "groups": size}
    if summand.any():
        return _Form("conv", arguments, {"weight": weight, "bias": summand})
    return _Form("conv", {**arguments, "bias": False}, {"weight": weight})


def _short(value: float) -> float:
    return float(np.format_float_positional(np.float32(value), trim="0"))


def _taken_up(raiser: Raiser, path: str, axis: int | None, scales: Array, shifts: Array) -> bool:
    """Whether the node at `path` computes it from now on, its parameters changed."""
    source = raiser.net.nodes.get(path)
    if source is None or source.op not in _TAKES_CONSTANTS or not raiser.read_once(path):
        return False
    if source.share or source.path in {node.share for node in raiser.net.nodes.values()}:
        return False
    place = _features(source, raiser.factors.get(path))
    if place is None or axis not in (None, place):
        return False
    size = static(source.output.dims[place - 1])
    factor, summand = (np.array(np.broadcast_to(values, (size,)), np.float32) for values in (scales, shifts))
    if path in raiser.factors:
        return _more_factors(raiser, source, place, factor, summand)
    if source.op == "batch_norm":
        _merge(source, factor, summand)
        return True
    if source.op == "layer_norm":
        _merge_layer_norm(source, factor, summand)
        return True
    return bool((factor == 1).all()) and _becomes_bias(source, summand)


def _features(source: FlatNode, own: tuple[int, Array, Array] | None) -> int | None:
    """The axis along which a node's parameters lie, if it is one."""
    rank = source.output.rank
    if own is not None:
        return own[0]
    if source.op == "layer_norm":
        axes = source.arguments.get("axes", [rank])
        return int(axes[0]) if len(axes) == 1 else None
    return rank if source.op == "linear" else None if source.op == "layer_scale" else 1


def _more_factors(raiser: Raiser, source: FlatNode, axis: int, factor: Array, summand: Array) -> bool:
    """Factors and summands after others are one."""
    _, before, added = raiser.factors[source.path]
    factor, summand = before * factor, added * factor + summand
    kind = raiser.type_of(source.inputs[0])
    if summand.any() and (axis != 1 or not 2 <= kind.rank <= 4):
        return False
    form = _form(kind, axis, factor, summand)
    raiser.net.replace(source.path, form.op, form.arguments, form.parameters)
    raiser.factors[source.path] = (axis, factor, summand)
    return True


def _becomes_bias(source: FlatNode, shift: Array) -> bool:
    """A summand after a layer is its bias, or part of it."""
    if source.op not in ("linear", "conv", "conv_transpose"):
        return False
    bias = source.parameters.get("bias", np.zeros_like(shift))
    source.parameters["bias"] = (bias + shift).astype(np.float32)
    source.arguments.pop("bias", None)
    return True


def _merge(norm: FlatNode, scale: Array, shift: Array) -> None:
    """A scale and a shift after a batch norm are its own weight and bias."""
    norm.parameters["weight"] = (norm.parameters["weight"] * scale).astype(np.float32)
    norm.parameters["bias"] = (norm.parameters["bias"] * scale + shift).astype(np.float32)


def _merge_layer_norm(norm: FlatNode, scale: Array, shift: Array) -> None:
    """A scale and a shift after a layer norm over that axis alone are its own weight and bias."""
    weight = norm.parameters.get("weight", np.ones_like(scale))
    bias = norm.parameters.get("bias", np.zeros_like(scale))
    norm.parameters["weight"] = (weight * scale).astype(np.float32)
    norm.parameters["bias"] = (bias * scale + shift).astype(np.float32)
    norm.arguments.pop("elementwise_affine", None)
    norm.arguments.pop("bias", None)


def varies_widely(raiser: Raiser, path: str, constant: Array) -> bool:
    """Whether a broadcast constant varies along several axes, or is larger than the value along one."""
    dims = raiser.shape_of(path)
    aligned = (1,) * (len(dims) - constant.ndim) + constant.shape
    stored = constant[tuple(slice(0, 1) if step == 0 else slice(None) for step in constant.strides)]  # not repeated
    if len(aligned) != len(dims) or (stored == stored.reshape(-1)[0]).all():
        return False
    larger = any(size > 1 and dims[axis] == 1 for axis, size in enumerate(aligned))
    return larger or sum(size > 1 for size in aligned) > 1


def varying(raiser: Raiser, path: str, constant: Array) -> tuple[int | None, Array]:
    """The one axis (as a spec counts) along which a broadcast constant varies, and its values there;
    None where it is one number."""
    rank = raiser.rank(path)
    if constant.ndim > rank:
        raise Refusal(f"its constant has {constant.ndim} axes, its input {rank}")
    aligned = constant.reshape((1,) * (rank - constant.ndim) + constant.shape)
    dims = raiser.shape_of(path)
    for axis, size in enumerate(aligned.shape):
        if size != 1 and size != dims[axis]:
            sizes = ["x".join(map(str, shape)) for shape in (constant.shape, dims)]
            raise Refusal(
                f"its constant of {sizes[0]} does not fit its input of {sizes[1]}, which a spec never repeats"
            )
    wide = [axis for axis, size in enumerate(aligned.shape) if size > 1]
    if wide and (aligned == aligned.reshape(-1)[0]).all():
        return None, aligned.reshape(-1)[:1]
    if not wide:
        return None, aligned.reshape(-1)
    if len(wide) > 1:
        shape = "x".join(map(str, constant.shape))
        raise Refusal(f"its constant of {shape} varies along several axes; a spec has factors per channel")
    return raiser.axis(wide[0], rank), aligned.reshape(-1)


def brought_to_front(raiser: Raiser, path: str, axis: int) -> str:
    """The value with `axis` where channels are."""
    if axis == 1:
        return path
    return raiser.step("permute", [path], {"dims": swap(raiser, path, axis)}, label="to_channels")


def swap(raiser: Raiser, path: str, axis: int) -> list[int]:
    """The order that exchanges `axis` and the channels."""
    order = list(range(raiser.type_of(path).rank + 1))
    order[1], order[axis] = order[axis], order[1]
    return order
