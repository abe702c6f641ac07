"""Folding of what networks do to their own tensors: masks that are filled, tables that a small network makes, tokens
that a curve bends. Rules have the form that `constants` gives them."""

from __future__ import annotations

from math import erf, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specgraph.importers.onnx_file import OnnxNode

Array = NDArray[Any]
MOST_TERMS = 2**31


def relu(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    return np.maximum(inputs[0], 0)


def sigmoid(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    return np.asarray(1 / (1 + np.exp(-inputs[0])), inputs[0].dtype)


def gelu(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    x = inputs[0]
    if node.attributes.get("approximate", "none") == "tanh":
        return np.asarray(0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))), x.dtype)
    return np.asarray(0.5 * x * (1 + _erf(x / np.sqrt(2))), x.dtype)


def error_function(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    return np.asarray(_erf(inputs[0]), inputs[0].dtype)


def _erf(x: Array) -> Array:
    return np.asarray(np.vectorize(erf, otypes=[np.float64])(x))


def clip(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    """Bounds are attributes in old opsets; an input that is left out is no bound."""
    if opset < 11:
        return np.asarray(np.clip(inputs[0], node.attributes.get("min"), node.attributes.get("max")))
    given = dict(zip([place for place, name in enumerate(node.inputs) if name], inputs, strict=True))
    return np.asarray(np.clip(inputs[0], given.get(1), given.get(2)))


def softmax(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    if opset < 13 and int(node.attributes.get("axis", 1)) % inputs[0].ndim != inputs[0].ndim - 1:
        raise ValueError("it sums over several axes at once")
    axis = int(node.attributes.get("axis", -1))
    powers = np.exp(inputs[0] - inputs[0].max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def gemm(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    left = inputs[0].T if node.attributes.get("transA", 0) else inputs[0]
    right = inputs[1].T if node.attributes.get("transB", 0) else inputs[1]
    if left.size * right.shape[-1] > MOST_TERMS:
        raise ValueError("they are too large to multiply here")
    product = np.float32(node.attributes.get("alpha", 1.0)) * (left @ right)
    if len(inputs) < 3:
        return np.asarray(product)
    return np.asarray(product + np.float32(node.attributes.get("beta", 1.0)) * inputs[2])


def layer_normalization(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    x = inputs[0]
    axes = tuple(range(int(node.attributes.get("axis", -1)) % x.ndim, x.ndim))
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    scaled = centred / np.sqrt(variance + np.float32(node.attributes.get("epsilon", 1e-5))) * inputs[1]
    return np.asarray(scaled + inputs[2] if len(inputs) > 2 else scaled)


def scatter_nd(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    """What is filled piece by piece, as masks are."""
    if node.attributes.get("reduction", "none") != "none":
        raise ValueError("it adds up what it scatters")
    data, indices, updates = inputs
    found = np.array(data)
    found[tuple(np.moveaxis(indices.astype(np.int64), -1, 0))] = updates
    return found


def gather_nd(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    if node.attributes.get("batch_dims", 0):
        raise ValueError("it gathers from each sample")
    return np.asarray(inputs[0][tuple(np.moveaxis(inputs[1].astype(np.int64), -1, 0))])


def gather_elements(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    axis = int(node.attributes.get("axis", 0))
    return np.asarray(np.take_along_axis(inputs[0], inputs[1].astype(np.int64), axis))


def triangle(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    diagonal = int(inputs[1].reshape(-1)[0]) if len(inputs) > 1 else 0
    return np.triu(inputs[0], diagonal) if node.attributes.get("upper", 1) else np.tril(inputs[0], diagonal)


def tile(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    times = [int(count) for count in inputs[1]]
    if prod(times) * inputs[0].size > MOST_TERMS or min(times, default=1) < 0:
        raise ValueError("its result is too large")
    return np.tile(inputs[0], times)


def running_sum(node: OnnxNode, inputs: list[Array], opset: int) -> Array:
    if node.attributes.get("exclusive", 0) or node.attributes.get("reverse", 0):
        raise ValueError("it sums from the end, or leaves an entry out")
    return np.cumsum(inputs[0], axis=int(inputs[1].reshape(-1)[0]), dtype=inputs[0].dtype)


def split(node: OnnxNode, inputs: list[Array], opset: int) -> list[Array]:
    """One array for each output."""
    axis = int(node.attributes.get("axis", 0))
    size, count = inputs[0].shape[axis], len(node.outputs)
    given = node.attributes.get("split") or (inputs[1].tolist() if len(inputs) > 1 else None)
    part = -(-size // count)
    sizes = given or [min(part, size - part * number) for number in range(count)]
    if sum(sizes) != size or min(sizes) < 0:
        raise ValueError(f"{size} entries do not part into {sizes}")
    return [np.asarray(found) for found in np.split(inputs[0], np.cumsum(sizes)[:-1], axis=axis)]
