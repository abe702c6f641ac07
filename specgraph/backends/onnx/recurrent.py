"""Recurrent layers in ONNX: one `LSTM` or `GRU` for each layer, tokens before samples on the way."""

from __future__ import annotations

import numpy as np

from specgraph.backends.onnx.builder import Array, Builder
from specgraph.backends.onnx.lowering import Lower
from specgraph.graph.model import Node
from specgraph.ops.recurrent import directions

ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}
"""For each gate in ONNX's order, its place in PyTorch's: input, forget, cell, output; reset, update, new."""
PACKED = "gates"
"""Label of a tensor of all directions, its gates in ONNX's order."""


def packed(op: str, array: Array) -> Array:
    """Gates, which are parts of the first axis, in ONNX's order."""
    parts = np.split(array, len(ORDER[op]))
    return np.concatenate([parts[place] for place in ORDER[op]])


def unpacked(op: str, array: Array) -> Array:
    """Gates in PyTorch's order; what `packed` does is undone."""
    parts = np.split(array, len(ORDER[op]))
    return np.concatenate([parts[ORDER[op].index(place)] for place in range(len(parts))])


def lower_recurrent(builder: Builder, node: Node) -> None:
    """A node for each layer between two transpositions: runtimes take (tokens, samples, features) alone."""
    arguments = node.arguments
    both, hidden, layers = arguments["bidirectional"], arguments["hidden_size"], arguments["num_layers"]
    width = hidden * (2 if both else 1)
    joined = builder.integers(node, "joined", [0, 0, width])
    value = builder.step(node, "tokens", "Transpose", builder.inputs(node), perm=[1, 0, 2])
    attributes: dict[str, int | str] = {"hidden_size": hidden}
    if both:
        attributes["direction"] = "bidirectional"
    if node.op == "gru":
        attributes["linear_before_reset"] = 1
    for layer in range(layers):
        inputs = [value, _weight(builder, node, f"weight_ih_l{layer}"), _weight(builder, node, f"weight_hh_l{layer}")]
        if arguments["bias"]:
            inputs.append(_biases(builder, node, layer))
        found = builder.step(node, f"layer{layer}", node.op.upper(), inputs, **attributes)
        if layer == layers - 1:
            turned = builder.step(node, "turned", "Transpose", [found], perm=[2, 0, 1, 3])
            builder.emit(node, "Reshape", [turned, joined])
            return
        turned = builder.step(node, f"turned{layer}", "Transpose", [found], perm=[0, 2, 1, 3])
        value = builder.step(node, f"joined{layer}", "Reshape", [turned, joined])


def _weight(builder: Builder, node: Node, name: str) -> str:
    """(directions, gates * hidden_size, features)."""
    names = [name + ending for ending in directions(node.arguments)]
    return builder.stacked(node, names, lambda array: packed(node.op, array), PACKED)


def _biases(builder: Builder, node: Node, layer: int) -> str:
    """(directions, 2 * gates * hidden_size): those of the input, then those of the state."""
    parts = []
    for name in ("bias_ih", "bias_hh"):
        names = [f"{name}_l{layer}{ending}" for ending in directions(node.arguments)]
        parts.append(builder.stacked(node, names, lambda array: packed(node.op, array), PACKED))
    return builder.step(node, f"bias{layer}", "Concat", parts, axis=1)


LOWERINGS: dict[str, Lower] = {"lstm": lower_recurrent, "gru": lower_recurrent}
