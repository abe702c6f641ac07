"""Tensors that the network holds itself are initialisers, with the batch axis of size 1 in front."""

from __future__ import annotations

import numpy as np

from specgraph.backends.onnx.builder import Array, Builder
from specgraph.backends.onnx.lowering import Lower
from specgraph.graph.model import Node
from specgraph.ops.tensors import stored_shape


def _in_front(array: Array) -> Array:
    return array[None]


def lower_held(builder: Builder, node: Node) -> None:
    """The initialiser itself; no ONNX node is written."""
    if node.parameters:
        builder.hold(node, builder.parameter(node, "", None if node.arguments["batch_axis"] else _in_front))
        return
    numbers = np.asarray(node.arguments["value"], np.float32)
    shape = stored_shape(node.arguments)
    filled = numbers.reshape(shape) if numbers.ndim else np.full(shape, numbers)
    builder.hold(node, builder.floats(node, "value", filled if node.arguments["batch_axis"] else filled[None]))


LOWERINGS: dict[str, Lower] = {"parameter": lower_held, "constant": lower_held}
