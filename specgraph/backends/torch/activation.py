"""Activations in PyTorch."""

from __future__ import annotations

from typing import Any

from specgraph.backends.torch.arguments import chosen
from specgraph.backends.torch.lowering import Construct, Lower, Lowering
from specgraph.graph.model import Node


def _module(target: str, **defaults: Any) -> Lower:
    """A module that takes the node's arguments where they differ from these defaults."""

    def lower(node: Node) -> Lowering:
        return Lowering(Construct(target, (), chosen(node, **defaults)))

    return lower


LOWERINGS: dict[str, Lower] = {
    "relu": _module("nn.ReLU"),
    "relu6": _module("nn.ReLU6"),
    "leaky_relu": _module("nn.LeakyReLU", negative_slope=0.01),
    "prelu": _module("nn.PReLU", num_parameters=1),
    "elu": _module("nn.ELU", alpha=1.0),
    "celu": _module("nn.CELU", alpha=1.0),
    "sigmoid": _module("nn.Sigmoid"),
    "tanh": _module("nn.Tanh"),
    "silu": _module("nn.SiLU"),
    "gelu": _module("nn.GELU", approximate="none"),
    "hardswish": _module("nn.Hardswish"),
    "hardsigmoid": _module("nn.Hardsigmoid"),
    "hardtanh": _module("nn.Hardtanh", min_val=-1.0, max_val=1.0),
    "softplus": _module("nn.Softplus", beta=1.0, threshold=20.0),
    "softsign": _module("nn.Softsign"),
    "mish": _module("nn.Mish"),
    "softmax": _module("nn.Softmax", dim=...),
    "log_softmax": _module("nn.LogSoftmax", dim=...),
    "glu": _module("nn.GLU", dim=...),
}
