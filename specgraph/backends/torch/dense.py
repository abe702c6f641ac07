"""`linear`, `dropout` and `flatten` in PyTorch."""

from __future__ import annotations

from specgraph.backends.torch.arguments import chosen
from specgraph.backends.torch.lowering import Construct, Lower, Lowering
from specgraph.graph.model import Node


def lower_linear(node: Node) -> Lowering:
    """`nn.Linear`."""
    sizes = (node.arguments["in_features"], node.arguments["out_features"])
    return Lowering(Construct("nn.Linear", sizes, chosen(node, bias=True)))


def lower_dropout(node: Node) -> Lowering:
    """`nn.Dropout`; `nn.Dropout2d` where whole channels are dropped."""
    rank = f"{node.output.rank - 1}d" if node.arguments["mode"] == "channel" else ""
    return Lowering(Construct(f"nn.Dropout{rank}", (), chosen(node, p=...)))


def lower_flatten(node: Node) -> Lowering:
    """`torch.flatten`."""
    start, end = node.arguments["start_dim"], node.arguments["end_dim"]
    last = end == node.input_types[0].rank
    return Lowering(None, f"torch.flatten({{0}}, {start})" if last else f"torch.flatten({{0}}, {start}, {end})")


LOWERINGS: dict[str, Lower] = {"linear": lower_linear, "dropout": lower_dropout, "flatten": lower_flatten}
