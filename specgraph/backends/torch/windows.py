"""Windows of a map in PyTorch."""

from __future__ import annotations

from specgraph.backends.torch.lowering import Construct, Lower, Lowering, construct
from specgraph.graph.model import Node


def lower_relative_position_bias(node: Node) -> Lowering:
    """Rows of the table, by an index that is a buffer at the node's path."""
    arguments = node.arguments
    index = construct("relative_position_index", arguments["window_size"])
    given = {"persistent": False} if arguments["index"] == "none" else {}
    if arguments["index"] == "flat":
        index = construct("torch.flatten", index)
    tokens = node.output.dims[-1]
    table = "{0}" if node.input_types[0].rank == 2 else "{0}.flatten(1, -2)"
    flat = "{module}" if arguments["index"] == "flat" else "{module}.flatten()"
    rows = f"torch.unflatten({table}[:, {flat}], 1, ({tokens}, {tokens}))"
    expression = f"torch.permute({rows}, (0, 3, 1, 2))"
    return Lowering(Construct("nn.Buffer", (index,), given), expression)


def lower_log_spaced_offsets(node: Node) -> Lowering:
    """`nn.Buffer` of the offsets."""
    arguments = node.arguments
    offsets = construct("log_spaced_offsets", arguments["window_size"])
    if arguments["batch_axis"]:
        offsets = construct("torch.unsqueeze", offsets, 0)
    given = {} if arguments["persistent"] else {"persistent": False}
    return Lowering(
        Construct("nn.Buffer", (offsets,), given), "{module}" if arguments["batch_axis"] else "{module}[None]"
    )


LOWERINGS: dict[str, Lower] = {
    "relative_position_bias": lower_relative_position_bias,
    "log_spaced_offsets": lower_log_spaced_offsets,
}
