"""Residual regularisation in PyTorch."""

from __future__ import annotations

from specgraph.backends.torch.lowering import Lower, Lowering, construct
from specgraph.graph.model import Node


def lower_stochastic_depth(node: Node) -> Lowering:
    """`StochasticDepth`, which PyTorch itself lacks."""
    return Lowering(construct("StochasticDepth", node.arguments["p"], node.arguments["mode"]))


def lower_layer_scale(node: Node) -> Lowering:
    """A bare `nn.Parameter` that multiplies."""
    full = construct("torch.full", node.parameters[0].shape, float(node.arguments["init_value"]))
    return Lowering(construct("nn.Parameter", full), "{module} * {0}")


LOWERINGS: dict[str, Lower] = {
    "stochastic_depth": lower_stochastic_depth,
    "layer_scale": lower_layer_scale,
}
