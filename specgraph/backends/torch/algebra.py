"""Products, factors and norms in PyTorch."""

from __future__ import annotations

from specgraph.backends.torch.lowering import Lower, Lowering
from specgraph.graph.model import Node


def lower_matmul(node: Node) -> Lowering:
    """`torch.matmul`."""
    return Lowering(None, "torch.matmul({0}, {1})")


def lower_extreme(node: Node) -> Lowering:
    """`torch.maximum` or `torch.minimum`."""
    return Lowering(None, f"torch.{node.op}({{0}}, {{1}})")


def lower_affine(node: Node) -> Lowering:
    """Plain arithmetic."""
    scale, shift = node.arguments["scale"], node.arguments["shift"]
    text = "{0}" if scale == 1 else f"{{0}} * {scale!r}"
    return Lowering(None, f"{text} {'+' if shift >= 0 else '-'} {abs(shift)!r}" if shift or scale == 1 else text)


def lower_normalize(node: Node) -> Lowering:
    """`nn.functional.normalize`."""
    arguments = node.arguments
    p = "" if arguments["p"] == 2 else f"p={arguments['p']}, "
    eps = "" if arguments["eps"] == 1e-12 else f", eps={arguments['eps']!r}"
    return Lowering(None, f"nn.functional.normalize({{0}}, {p}dim={arguments['dim']}{eps})")


LOWERINGS: dict[str, Lower] = {
    "matmul": lower_matmul,
    "affine": lower_affine,
    "maximum": lower_extreme,
    "minimum": lower_extreme,
    "normalize": lower_normalize,
}
