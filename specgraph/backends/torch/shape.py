"""Ops that move, cut or lengthen, in PyTorch."""

from __future__ import annotations

from specgraph.backends.torch.arguments import pad_order
from specgraph.backends.torch.lowering import Lower, Lowering
from specgraph.graph.model import Node


def lower_pad(node: Node) -> Lowering:
    """`nn.functional.pad`."""
    arguments = node.arguments
    padding = pad_order(arguments["padding"])
    if any(arguments["channels"]):
        padding = (*padding, *arguments["channels"])
    options = ""
    if arguments["mode"] != "constant":
        options = f", mode={arguments['mode']!r}"
    elif arguments["value"]:
        options = f", value={arguments['value']!r}"
    return Lowering(None, f"nn.functional.pad({{0}}, {padding}{options})") if any(padding) else Lowering(None, "{0}")


def lower_slice(node: Node) -> Lowering:
    """An index expression: `x[:, 0:58]`."""
    arguments = node.arguments
    start, stop, step = arguments["start"], arguments["stop"], arguments["step"]
    taken = f"{start or ''}:{'' if stop is None else stop}{f':{step}' if step > 1 else ''}"
    return Lowering(None, "{0}[" + ":, " * arguments["dim"] + taken + "]")


def lower_reshape(node: Node) -> Lowering:
    """`torch.reshape`; -1 is the batch axis, or the size that depends on the image."""
    shape = node.arguments["shape"]
    batch = "{0}.size(0)" if -1 in shape else "-1"
    return Lowering(None, f"torch.reshape({{0}}, ({batch}, {', '.join(map(str, shape))}))")


def lower_permute(node: Node) -> Lowering:
    """`torch.permute`."""
    return Lowering(None, f"torch.permute({{0}}, {node.arguments['dims']})")


def lower_mean(node: Node) -> Lowering:
    """`torch.mean`."""
    keep = ", keepdim=True" if node.arguments["keepdim"] else ""
    return Lowering(None, f"torch.mean({{0}}, dim={node.arguments['dim']}{keep})")


LOWERINGS: dict[str, Lower] = {
    "pad": lower_pad,
    "slice": lower_slice,
    "reshape": lower_reshape,
    "permute": lower_permute,
    "mean": lower_mean,
}
