"""Tensors that the network holds itself, in PyTorch: a bare `nn.Parameter` or `nn.Buffer` at the node's path."""

from __future__ import annotations

from specgraph.backends.torch.lowering import Construct, Lower, Lowering, construct
from specgraph.graph.model import Node
from specgraph.ops.tensors import stored_shape


def lower_parameter(node: Node) -> Lowering:
    """Zeros, until the node's `init` fills them."""
    return _held(node, construct("nn.Parameter", construct("torch.zeros", stored_shape(node.arguments))))


def lower_constant(node: Node) -> Lowering:
    """`nn.Buffer` of `torch.full`, or of all the numbers."""
    value, shape = node.arguments["value"], stored_shape(node.arguments)
    if isinstance(value, tuple):
        filled = construct("torch.tensor", _nested(tuple(map(float, value)), shape))
    else:
        filled = construct("torch.full", shape, float(value))
    persistent = {} if node.arguments["persistent"] else {"persistent": False}
    return _held(node, Construct("nn.Buffer", (filled,), persistent))


def _held(node: Node, module: Construct) -> Lowering:
    return Lowering(module, "{module}" if node.arguments["batch_axis"] else "{module}[None]")


def _nested(numbers: tuple[float, ...], shape: tuple[int, ...]) -> list[object]:
    """The numbers as lists in lists of that shape."""
    if len(shape) == 1:
        return list(numbers)
    step = len(numbers) // shape[0]
    return [_nested(numbers[index * step : (index + 1) * step], shape[1:]) for index in range(shape[0])]


LOWERINGS: dict[str, Lower] = {"parameter": lower_parameter, "constant": lower_constant}
