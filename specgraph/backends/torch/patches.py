"""Windows as columns in PyTorch."""

from __future__ import annotations

from specgraph.backends.torch.arguments import brief, chosen
from specgraph.backends.torch.lowering import Construct, Lower, Lowering
from specgraph.graph.model import Node


def lower_unfold(node: Node) -> Lowering:
    """`nn.Unfold`."""
    return Lowering(Construct("nn.Unfold", (brief(node.arguments["kernel_size"]),), _window(node)))


def lower_fold(node: Node) -> Lowering:
    """`nn.Fold`."""
    sizes = tuple(brief(node.arguments[name]) for name in ("output_size", "kernel_size"))
    return Lowering(Construct("nn.Fold", sizes, _window(node)))


def _window(node: Node) -> dict[str, object]:
    return chosen(node, dilation=1, padding=0, stride=1)


LOWERINGS: dict[str, Lower] = {"unfold": lower_unfold, "fold": lower_fold}
