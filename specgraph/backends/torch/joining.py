"""Ops that join several inputs in PyTorch."""

from __future__ import annotations

from specgraph.backends.torch.lowering import Lower, Lowering
from specgraph.graph.model import Node


def lower_concat(node: Node) -> Lowering:
    """`torch.cat`."""
    return Lowering(None, f"torch.cat([{{inputs}}], dim={node.arguments['dim']})")


def _operator(sign: str) -> Lower:
    def lower(node: Node) -> Lowering:
        return Lowering(None, f" {sign} ".join(f"{{{index}}}" for index in range(len(node.inputs))))

    return lower


LOWERINGS: dict[str, Lower] = {
    "concat": lower_concat,
    "add": _operator("+"),
    "sub": _operator("-"),
    "mul": _operator("*"),
}
