"""Regularisation."""

from __future__ import annotations

from specgraph.backends.onnx.builder import Builder
from specgraph.backends.onnx.lowering import Lower
from specgraph.graph.model import Node


def lower_layer_scale(builder: Builder, node: Node) -> None:
    """`Mul` by the factors, which lie as PyTorch keeps them."""
    builder.emit(node, "Mul", [*builder.inputs(node), builder.parameter(node, "")])


LOWERINGS: dict[str, Lower] = {"layer_scale": lower_layer_scale}
