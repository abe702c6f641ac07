"""Recurrent layers in PyTorch."""

from __future__ import annotations

from specgraph.backends.torch.arguments import chosen
from specgraph.backends.torch.lowering import Construct, Lower, Lowering
from specgraph.graph.model import Node


def lower_recurrent(node: Node) -> Lowering:
    """`nn.LSTM` or `nn.GRU`, of whose results the states after each token are taken."""
    given = chosen(node, num_layers=1, bias=True, bidirectional=False)
    if node.arguments["num_layers"] > 1:  # with one layer PyTorch drops nothing, and warns
        given |= chosen(node, dropout=0.0)
    sizes = (node.arguments["input_size"], node.arguments["hidden_size"])
    return Lowering(Construct(f"nn.{node.op.upper()}", sizes, {**given, "batch_first": True}), "{module}({inputs})[0]")


LOWERINGS: dict[str, Lower] = {"lstm": lower_recurrent, "gru": lower_recurrent}
