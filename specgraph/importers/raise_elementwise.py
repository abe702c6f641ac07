"""Activations and arithmetic of ONNX files."""

from __future__ import annotations

from typing import Any

import numpy as np

from specgraph.importers.constants import has_symbols
from specgraph.importers.flat import Array, FlatNode, Refusal
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raise_layers import _rounded as rounded
from specgraph.importers.raise_shape import reduced
from specgraph.importers.raiser import Raise, Raiser, static


def plain(op: str) -> Raise:
    def handler(raiser: Raiser, node: OnnxNode) -> None:
        raiser.add(node, op, [raiser.data(node)])

    return handler


def with_alpha(op: str, argument: str, default: float) -> Raise:
    def handler(raiser: Raiser, node: OnnxNode) -> None:
        value = rounded(node.attributes.get("alpha", default))
        raiser.add(node, op, [raiser.data(node)], {argument: value})

    return handler


def raise_clip(raiser: Raiser, node: OnnxNode) -> None:
    if raiser.opset < 11:
        low, high = node.attributes.get("min"), node.attributes.get("max")
    else:
        bounds = [raiser.constant(node, index) for index in (1, 2)]
        low, high = (None if bound is None else float(bound.reshape(-1)[0]) for bound in bounds)
    path = raiser.data(node)
    least = rounded(low) if low is not None else -float(np.finfo(np.float32).max)
    most = rounded(high) if high is not None else float(np.finfo(np.float32).max)
    if least == 0 and high is None:
        raiser.add(node, "relu", [path])
    elif (least, most) == (0, 6):
        raiser.add(node, "relu6", [path])
    else:
        raiser.add(node, "hardtanh", [path], {"min_val": least, "max_val": most})


def raise_hard_sigmoid(raiser: Raiser, node: OnnxNode) -> None:
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    path = raiser.data(node)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        raiser.add(node, "hardsigmoid", [path])
        return
    scaled = affine(raiser, path, np.float32(alpha), np.float32(beta), "scaled")
    raiser.add(node, "hardtanh", [scaled], {"min_val": 0, "max_val": 1})


def raise_gelu(raiser: Raiser, node: OnnxNode) -> None:
    approximate = node.attributes.get("approximate", "none")
    raiser.add(node, "gelu", [raiser.data(node)], {"approximate": approximate})


def raise_swish(raiser: Raiser, node: OnnxNode) -> None:
    if node.attributes.get("alpha", 1.0) != 1.0:
        raise Refusal("swish with an alpha other than 1 has no counterpart in a spec")
    raiser.add(node, "silu", [raiser.data(node)])


def raise_prelu(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    slope = raiser.floats(node, 1)
    axis, values = _varying(raiser, path, slope)
    if axis is None:
        raiser.add(node, "prelu", [path], {}, {"weight": values}, weight=node.inputs[1])
        return
    through = _brought_to_front(raiser, path, axis)
    channels = static(raiser.type_of(through).dims[0])
    arguments = {"num_parameters": channels}
    if through == path:
        raiser.add(node, "prelu", [path], arguments, {"weight": values}, weight=node.inputs[1])
        return
    turned = raiser.step("prelu", [through], arguments, {"weight": values})
    raiser.add(node, "permute", [turned], {"dims": _swap(raiser, path, axis)})


def raise_softmax(op: str) -> Raise:
    def handler(raiser: Raiser, node: OnnxNode) -> None:
        path = raiser.data(node)
        rank = raiser.rank(path)
        if raiser.opset < 13:  # over everything from `axis` on, taken together
            axis = int(node.attributes.get("axis", 1)) % rank
            sizes = [dim for dim in raiser.type_of(path).dims[axis - int(raiser.batched) :] if dim != 1]
            if axis < rank - 1 and len(sizes) > 1:
                raise Refusal("before opset 13 it sums over several axes at once, which a spec cannot say")
            if sizes:
                dims = raiser.type_of(path).dims
                axis = next(i for i in range(axis, rank) if dims[i - int(raiser.batched)] == sizes[0])
        else:
            axis = int(node.attributes.get("axis", -1))
        dim = raiser.axis(axis, rank)
        raiser.add(node, op, [path], {} if dim == 1 else {"dim": dim})

    return handler


def raise_arithmetic(op: str) -> Raise:
    """Add, Sub, Mul, Div, Sum: of two computed values, or with a constant."""

    def handler(raiser: Raiser, node: OnnxNode) -> None:
        constants = [index for index in range(len(node.inputs)) if raiser.is_constant(node, index)]
        if not constants:
            if len(node.inputs) == 1:
                raiser.alias(node)
            elif op == "div":
                raiser.add_provisional(node, "div", [raiser.data(node, 0), raiser.data(node, 1)])
            elif not (op == "mul" and _silu(raiser, node)):
                raiser.add(node, op, _aligned(raiser, node))
            return
        if len(node.inputs) != 2:
            raise Refusal("it adds a constant to more than one value")
        constant = raiser.floats(node, constants[0])
        path = raiser.data(node, 1 - constants[0])
        first = constants[0] == 0
        scale, shift = _as_affine(op, constant, first)
        _apply_affine(raiser, node, path, scale, shift)

    return handler


def raise_pow(raiser: Raiser, node: OnnxNode) -> None:
    exponent = raiser.floats(node, 1).reshape(-1)
    path = raiser.data(node)
    if exponent.size != 1:
        raise Refusal("powers that differ from value to value have no counterpart in a spec")
    if exponent[0] == 1:
        raiser.alias(node)
    elif exponent[0] == 2:
        raiser.add(node, "mul", [path, path])
    else:
        raiser.add_provisional(node, "pow", [path], rounded(float(exponent[0])))


def raise_abs(raiser: Raiser, node: OnnxNode) -> None:
    """The slope for negative values is -1."""
    raiser.add(node, "leaky_relu", [raiser.data(node)], {"negative_slope": -1})


def raise_neg(raiser: Raiser, node: OnnxNode) -> None:
    _apply_affine(raiser, node, raiser.data(node), np.asarray(-1, np.float32), np.asarray(0, np.float32))


def raise_selu(raiser: Raiser, node: OnnxNode) -> None:
    alpha, gamma = node.attributes.get("alpha", 1.67326319), node.attributes.get("gamma", 1.05070102)
    curve = raiser.step("elu", [raiser.data(node)], {"alpha": rounded(alpha)}, label="elu")
    _apply_affine(raiser, node, curve, np.asarray(gamma, np.float32), np.asarray(0, np.float32))


def raise_reduce_sum(raiser: Raiser, node: OnnxNode) -> None:
    """A sum is a mean times the number of values."""
    path = raiser.data(node)
    reduction = reduced(raiser, node)
    if reduction is None:
        raiser.alias(node)
        return
    dims, keep = reduction
    count = 1
    for axis in dims:
        count *= static(raiser.type_of(path).dims[axis - 1])
    mean = raiser.step("mean", [path], {"dim": dims if len(dims) > 1 else dims[0], "keepdim": keep}, label="mean")
    _apply_affine(raiser, node, mean, np.asarray(count, np.float32), np.asarray(0, np.float32))


def _as_affine(op: str, constant: Array, first: bool) -> tuple[Array, Array]:
    """`x op constant` (or `constant op x`) as a factor and a summand."""
    one, zero = np.float32(1), np.float32(0)
    if op == "add":
        return np.asarray(one), constant
    if op == "sub":
        return (np.asarray(-one), constant) if first else (np.asarray(one), -constant)
    if op == "mul":
        return constant, np.asarray(zero)
    if first:
        raise Refusal("division by a computed value has no counterpart in a spec")
    if (constant == 0).any():
        raise Refusal("it divides by zero")
    return one / constant, np.asarray(zero)


_TAKES_CONSTANTS = frozenset({"batch_norm", "layer_norm", "linear", "conv", "conv_transpose"})
"""Ops whose own parameters may take up what is done to their output."""


def _apply_affine(raiser: Raiser, node: OnnxNode, path: str, scale: Array, shift: Array) -> None:
    axis_scale, scales = _varying(raiser, path, scale)
    axis_shift, shifts = _varying(raiser, path, shift)
    if (scale == 1).all() and (shift == 0).all():
        raiser.paths[node.outputs[0]] = path
        return
    source = raiser.net.nodes.get(path)
    axes = {axis for axis in (axis_scale, axis_shift) if axis is not None}
    if len(axes) > 1:
        raise Refusal("its constants vary along different axes")
    axis = axes.pop() if axes else 1
    dims = raiser.type_of(path).dims
    size = static(dims[axis - 1])
    factor, summand = np.broadcast_to(scales, (size,)), np.broadcast_to(shifts, (size,))
    shared = {node.share for node in raiser.net.nodes.values()}
    if source and (source.share or source.path in shared):
        source = None
    if source and not (source.op in _TAKES_CONSTANTS and raiser.read_once(path)):
        source = None
    if source and source.op == "batch_norm" and axis == 1:
        _merge(source, factor, summand)
        raiser.paths[node.outputs[0]] = path
        return
    if source and (scale == 1).all() and _becomes_bias(source, axis, summand):
        raiser.paths[node.outputs[0]] = path
        return
    if source and source.op == "layer_norm" and _merge_layer_norm(raiser, source, axis, factor, summand):
        raiser.paths[node.outputs[0]] = path
        return
    weight = next((name for name in node.inputs if name in raiser.constants), "")
    through = _brought_to_front(raiser, path, axis)
    parameters = _identity_norm(factor, summand)
    if through == path:
        raiser.add(node, "batch_norm", [path], {"eps": 0}, parameters, weight=weight)
        return
    turned = raiser.step("batch_norm", [through], {"eps": 0}, parameters, label="scaled")
    raiser.add(node, "permute", [turned], {"dims": _swap(raiser, path, axis)})


def affine(raiser: Raiser, path: str, scale: Any, shift: Any, label: str) -> str:
    """A node that computes `scale * x + shift` with numbers: a batch norm that normalises nothing."""
    size = static(raiser.type_of(path).dims[0])
    factor, summand = np.full(size, scale, np.float32), np.full(size, shift, np.float32)
    return raiser.step("batch_norm", [path], {"eps": 0}, _identity_norm(factor, summand), label=label)


def _identity_norm(scale: Array, shift: Array) -> dict[str, Array]:
    return {
        "weight": np.array(scale, np.float32),
        "bias": np.array(shift, np.float32),
        "running_mean": np.zeros(scale.shape, np.float32),
        "running_var": np.ones(scale.shape, np.float32),
    }


def _becomes_bias(source: FlatNode, axis: int, shift: Array) -> bool:
    """A summand behind a layer without a bias is its bias."""
    features = source.output.rank if source.op == "linear" else 1
    if source.op not in ("linear", "conv", "conv_transpose") or source.arguments.get("bias", True) or axis != features:
        return False
    source.parameters["bias"] = np.array(shift, np.float32)
    del source.arguments["bias"]
    return True


def _merge(norm: FlatNode, scale: Array, shift: Array) -> None:
    """A scale and a shift behind a batch norm are its own weight and bias."""
    norm.parameters["weight"] = (norm.parameters["weight"] * scale).astype(np.float32)
    norm.parameters["bias"] = (norm.parameters["bias"] * scale + shift).astype(np.float32)


def _merge_layer_norm(raiser: Raiser, norm: FlatNode, axis: int, scale: Array, shift: Array) -> bool:
    """A scale and a shift behind a layer norm over that axis alone are its own weight and bias."""
    rank = raiser.type_of(norm.path).rank
    if norm.arguments.get("axes", [rank]) != [axis]:
        return False
    weight = norm.parameters.get("weight", np.ones_like(scale))
    bias = norm.parameters.get("bias", np.zeros_like(scale))
    norm.parameters["weight"] = (weight * scale).astype(np.float32)
    norm.parameters["bias"] = (bias * scale + shift).astype(np.float32)
    norm.arguments.pop("elementwise_affine", None)
    norm.arguments.pop("bias", None)
    return True


def _varying(raiser: Raiser, path: str, constant: Array) -> tuple[int | None, Array]:
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


def _brought_to_front(raiser: Raiser, path: str, axis: int) -> str:
    """The value with `axis` where channels are."""
    if axis == 1:
        return path
    return raiser.step("permute", [path], {"dims": _swap(raiser, path, axis)}, label="to_channels")


def _swap(raiser: Raiser, path: str, axis: int) -> list[int]:
    order = list(range(raiser.type_of(path).rank + 1))
    order[1], order[axis] = order[axis], order[1]
    return order


def _aligned(raiser: Raiser, node: OnnxNode) -> list[str]:
    """Paths of the inputs, those of lower rank reshaped so that nothing is broadcast over the batch."""
    paths = [raiser.data(node, index) for index in range(len(node.inputs))]
    rank = max(raiser.type_of(path).rank for path in paths)
    aligned = []
    for path in paths:
        dims = raiser.type_of(path).dims
        if len(dims) < rank:
            if raiser.batched:
                raise Refusal("it broadcasts one input over the batch of another")
            shape = [1] * (rank - len(dims)) + [static(dim) for dim in dims]
            path = raiser.step("reshape", [path], {"shape": shape}, label="widened")
        aligned.append(path)
    return aligned


_GATES: dict[str, str] = {"sigmoid": "silu", "hardsigmoid": "hardswish"}


def _silu(raiser: Raiser, node: OnnxNode) -> bool:
    """`x * sigmoid(x)` and its kin as one node, where nothing else reads the factor."""
    for index in (0, 1):
        gate = raiser.net.nodes.get(raiser.data(node, index))
        other = raiser.data(node, 1 - index)
        if gate is None or not raiser.read_once(gate.path):
            continue
        if gate.op in _GATES and gate.inputs == [other]:
            raiser.net.remove(gate.path)
            raiser.add(node, _GATES[gate.op], [other])
            return True
        if gate.op == "tanh":
            inner = raiser.net.nodes.get(gate.inputs[0])
            found = inner and inner.op == "softplus" and not inner.arguments and inner.inputs == [other]
            if inner and found and raiser.read_once(inner.path):
                raiser.net.remove(gate.path)
                raiser.net.remove(inner.path)
                raiser.add(node, "mish", [other])
                return True
    return False


def is_number(raiser: Raiser, node: OnnxNode, index: int, value: float) -> bool:
    """Whether an input is a constant of that one value."""
    if not raiser.is_constant(node, index):
        return False
    found = raiser.constants[node.inputs[index]]
    return found.size == 1 and not has_symbols(found) and abs(float(found.reshape(-1)[0]) - value) < 1e-4


HANDLERS: dict[str, Raise] = {
    "Relu": plain("relu"),
    "Sigmoid": plain("sigmoid"),
    "Tanh": plain("tanh"),
    "HardSwish": plain("hardswish"),
    "Softplus": plain("softplus"),
    "Mish": plain("mish"),
    "LeakyRelu": with_alpha("leaky_relu", "negative_slope", 0.01),
    "Elu": with_alpha("elu", "alpha", 1.0),
    "Celu": with_alpha("celu", "alpha", 1.0),
    "Softsign": plain("softsign"),
    "Clip": raise_clip,
    "HardSigmoid": raise_hard_sigmoid,
    "Gelu": raise_gelu,
    "Swish": raise_swish,
    "PRelu": raise_prelu,
    "Softmax": raise_softmax("softmax"),
    "LogSoftmax": raise_softmax("log_softmax"),
    "Add": raise_arithmetic("add"),
    "Sum": raise_arithmetic("add"),
    "Sub": raise_arithmetic("sub"),
    "Mul": raise_arithmetic("mul"),
    "Div": raise_arithmetic("div"),
    "Pow": raise_pow,
    "Abs": raise_abs,
    "Neg": raise_neg,
    "Selu": raise_selu,
    "ReduceSum": raise_reduce_sum,
}
