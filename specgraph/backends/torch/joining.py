"""Ops that join several inputs in PyTorch."""

from __future__ import annotations

from specgraph.backends.torch.arguments import brief, chosen
from specgraph.backends.torch.lowering import Lower, Lowering, construct
from specgraph.graph.model import Node


def lower_concat(node: Node) -> Lowering:
    """`torch.cat`; what has no samples is repeated for each of them."""
    batched = [kind.batched for kind in node.input_types]
    if all(batched) or not any(batched):
        return Lowering(None, f"torch.cat([{{inputs}}], dim={node.arguments['dim']})")
    size = f"{{{batched.index(True)}}}.size(0)"
    kept = ", ".join(["-1"] * node.output.rank)
    parts = [f"{{{i}}}" if has else f"{{{i}}}.expand({size}, {kept})" for i, has in enumerate(batched)]
    return Lowering(None, f"torch.cat([{', '.join(parts)}], dim={node.arguments['dim']})")


def _operator(sign: str) -> Lower:
    def lower(node: Node) -> Lowering:
        return Lowering(None, f" {sign} ".join(f"{{{index}}}" for index in range(len(node.inputs))))

    return lower


def lower_resize_like(node: Node) -> Lowering:
    """`nn.functional.interpolate` to the size of the second input."""
    given = chosen(node, mode="nearest", align_corners=None)
    text = "".join(f", {name}={value!r}" for name, value in given.items())
    return Lowering(None, f"nn.functional.interpolate({{0}}, size={{1}}.shape[2:]{text})")


def lower_max_unpool(node: Node) -> Lowering:
    """`MaxUnpool`, which pools the second input for its places."""
    return Lowering(construct("MaxUnpool", brief(node.arguments["kernel_size"])))


LOWERINGS: dict[str, Lower] = {
    "concat": lower_concat,
    "add": _operator("+"),
    "sub": _operator("-"),
    "mul": _operator("*"),
    "resize_like": lower_resize_like,
    "max_unpool": lower_max_unpool,
}
