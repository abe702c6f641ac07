"""Ops on single axes in PyTorch."""

from __future__ import annotations

from specgraph.backends.torch.lowering import Lower, Lowering
from specgraph.graph.model import Node


def lower_select(node: Node) -> Lowering:
    """An index expression: `x[:, 0]`."""
    return Lowering(None, "{0}[" + ":, " * node.arguments["dim"] + f"{node.arguments['index']}]")


def lower_unflatten(node: Node) -> Lowering:
    """`torch.unflatten`."""
    return Lowering(None, f"torch.unflatten({{0}}, {node.arguments['dim']}, {node.arguments['sizes']})")


def lower_roll(node: Node) -> Lowering:
    """`torch.roll`."""
    return Lowering(None, f"torch.roll({{0}}, {node.arguments['shifts']}, {node.arguments['dims']})")


def lower_expand(node: Node) -> Lowering:
    """`expand`, which keeps the batch axis."""
    return Lowering(None, f"{{0}}.expand({', '.join(map(str, (-1, *node.arguments['sizes'])))})")


LOWERINGS: dict[str, Lower] = {
    "select": lower_select,
    "unflatten": lower_unflatten,
    "roll": lower_roll,
    "expand": lower_expand,
}
