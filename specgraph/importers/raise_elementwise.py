"""Activations and arithmetic of ONNX files."""

from __future__ import annotations

import numpy as np

from specgraph.importers.constants import has_symbols
from specgraph.importers.flat import Array, Refusal
from specgraph.importers.held import hold_constant
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raise_affine import affine, apply_affine, brought_to_front, swap, varies_widely, varying
from specgraph.importers.raise_layers import rounded
from specgraph.importers.raiser import Raise, Raiser, static

LARGEST = float(np.finfo(np.float32).max)


def raise_clip(raiser: Raiser, node: OnnxNode) -> None:
    if raiser.opset < 11:
        low, high = node.attributes.get("min"), node.attributes.get("max")
    else:
        bounds = [raiser.constant(node, index) for index in (1, 2)]
        low, high = (None if bound is None else float(bound.reshape(-1)[0]) for bound in bounds)
    hold(raiser, node, raiser.data(node), low, high)


def hold(raiser: Raiser, node: OnnxNode, path: str, low: float | None, high: float | None) -> None:
    """Values held between bounds; one beyond all finite numbers is none. Raises `Refusal` for bounds that leave no
    room."""
    least = None if low is None or low <= -LARGEST else rounded(low)
    most = None if high is None or high >= LARGEST else rounded(high)
    if least is None and most is None:
        raiser.alias(node)
    elif least == 0 and most is None:
        raiser.add(node, "relu", [path])
    elif (least, most) == (0, 6):
        raiser.add(node, "relu6", [path])
    elif least is None or most is None:
        raiser.add(node, "clamp", [path], {"min": least} if most is None else {"max": most})
    elif least >= most:
        raise Refusal(f"it holds values between {least} and {most}, which leaves one value")
    else:
        raiser.add(node, "hardtanh", [path], {"min_val": least, "max_val": most})


def raise_extremum(is_max: bool) -> Raise:
    """Max and Min of values, or of a value and a constant."""
    op = "maximum" if is_max else "minimum"

    def handler(raiser: Raiser, node: OnnxNode) -> None:
        constants = [index for index in range(len(node.inputs)) if raiser.is_constant(node, index)]
        if len(node.inputs) == 1:
            raiser.alias(node)
            return
        if not constants and len(node.inputs) == 2:
            raiser.add(node, op, _aligned(raiser, node))
            return
        if len(node.inputs) != 2 or len(constants) != 1:
            raise Refusal(f"the {op} of more than two values, or of constants, has no counterpart in a spec")
        bounds = raiser.floats(node, constants[0])
        if bounds.min() != bounds.max():
            _with_parameter(raiser, node, op, raiser.data(node, 1 - constants[0]), constants[0])
            return
        path, bound = raiser.data(node, 1 - constants[0]), float(bounds.reshape(-1)[0])
        if bounds.ndim > raiser.rank(path):
            raise Refusal("its constant has more axes than the value")
        hold(raiser, node, path, bound if is_max else None, None if is_max else bound)

    return handler


def raise_hard_sigmoid(raiser: Raiser, node: OnnxNode) -> None:
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    path = raiser.data(node)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        raiser.add(node, "hardsigmoid", [path])
        return
    scaled = affine(raiser, path, float(alpha), float(beta), "scaled")
    raiser.add(node, "hardtanh", [scaled], {"min_val": 0, "max_val": 1})


def raise_swish(raiser: Raiser, node: OnnxNode) -> None:
    if node.attributes.get("alpha", 1.0) != 1.0:
        raise Refusal("swish with an alpha other than 1 has no counterpart in a spec")
    raiser.add(node, "silu", [raiser.data(node)])


def raise_prelu(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    slope = raiser.floats(node, 1)
    axis, values = varying(raiser, path, slope)
    if axis is None:
        raiser.add(node, "prelu", [path], {}, {"weight": values}, weight=node.inputs[1])
        return
    through = brought_to_front(raiser, path, axis)
    channels = static(raiser.type_of(through).dims[0])
    arguments = {"num_parameters": channels}
    if through == path:
        raiser.add(node, "prelu", [path], arguments, {"weight": values}, weight=node.inputs[1])
        return
    turned = raiser.step("prelu", [through], arguments, {"weight": values})
    raiser.add(node, "permute", [turned], {"dims": swap(raiser, path, axis)})


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
                _quotient(raiser, node)
            elif not (op == "mul" and _silu(raiser, node)):
                raiser.add(node, op, _aligned(raiser, node))
            return
        if len(node.inputs) != 2:
            raise Refusal("it adds a constant to more than one value")
        constant = raiser.floats(node, constants[0])
        path = raiser.data(node, 1 - constants[0])
        first = constants[0] == 0
        if varies_widely(raiser, path, constant):
            _with_parameter(raiser, node, op, path, constants[0])
            return
        scale, shift = _as_affine(op, constant, first)
        apply_affine(raiser, node, path, scale, shift)

    return handler


def _with_parameter(raiser: Raiser, node: OnnxNode, op: str, path: str, index: int) -> None:
    """Arithmetic of a value and a constant that varies along several axes, or is larger than the value."""
    rank = raiser.rank(path)
    if op == "div" and index == 0:
        raise Refusal("division by a computed value has no counterpart in a spec")
    factors = 1 / raiser.floats(node, index) if op == "div" else None
    held = hold_constant(raiser, node, index, rank, factors)
    raiser.add(node, "mul" if op == "div" else op, [held, path] if index == 0 else [path, held])


def _quotient(raiser: Raiser, node: OnnxNode) -> None:
    """Of two computed values: a part of another op perhaps, if it has the shape of the first."""
    left, right = _aligned(raiser, node)
    if raiser.type_of(left).dims == raiser.type_of(right).dims:
        raiser.add_provisional(node, "div", [left, right])
        return
    below = raiser.step("reciprocal", [right], label="reciprocal")
    raiser.add(node, "mul", [left, below])


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


def raise_neg(raiser: Raiser, node: OnnxNode) -> None:
    apply_affine(raiser, node, raiser.data(node), np.asarray(-1, np.float32), np.asarray(0, np.float32))


def raise_selu(raiser: Raiser, node: OnnxNode) -> None:
    alpha, gamma = node.attributes.get("alpha", 1.67326319), node.attributes.get("gamma", 1.05070102)
    curve = raiser.step("elu", [raiser.data(node)], {"alpha": rounded(alpha)}, label="elu")
    apply_affine(raiser, node, curve, np.asarray(gamma, np.float32), np.asarray(0, np.float32))


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


def _aligned(raiser: Raiser, node: OnnxNode) -> list[str]:
    """Paths of the inputs, those of lower rank reshaped so that nothing is broadcast over the batch."""
    paths = [raiser.data(node, index) for index in range(len(node.inputs))]
    rank = max(raiser.type_of(path).rank for path in paths)
    aligned = []
    for path in paths:
        dims = raiser.type_of(path).dims
        if len(dims) < rank:
            if not raiser.type_of(path).batched:
                aligned.append(path)
                continue
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
    "Clip": raise_clip,
    "Max": raise_extremum(True),
    "Min": raise_extremum(False),
    "HardSigmoid": raise_hard_sigmoid,
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
}
REWRITES: dict[str, Raise] = {"Neg": raise_neg, "Selu": raise_selu}
"""Read as other ops, as long as a spec has none of the name: the row of such an op wins."""
