"""`conv` and `conv_transpose` in PyTorch."""

from __future__ import annotations

from specgraph.backends.torch.arguments import brief, chosen, is_even, pad_order, symmetric
from specgraph.backends.torch.lowering import Construct, Lower, Lowering
from specgraph.graph.model import Node


def lower_conv(node: Node) -> Lowering:
    """`nn.Conv2d`, or `PaddedConv2d` where the two sides of an axis are padded differently."""
    arguments = node.arguments
    padding = arguments["padding"]
    rank = len(padding)
    kwargs = {"kernel_size": brief(arguments["kernel_size"]), **chosen(node, stride=1)}
    even = is_even(padding)
    if even and symmetric(padding) != 0:
        kwargs["padding"] = symmetric(padding)
    kwargs |= chosen(node, dilation=1, groups=1, bias=True)
    if even:
        kwargs |= chosen(node, padding_mode="zeros")
    else:
        kwargs["pad"] = pad_order(padding)
        if arguments["padding_mode"] != "zeros":
            kwargs["pad_mode"] = arguments["padding_mode"]
    target = f"nn.Conv{rank}d" if even else f"PaddedConv{rank}d"
    return Lowering(Construct(target, (arguments["in_channels"], arguments["out_channels"]), kwargs))


def lower_conv_transpose(node: Node) -> Lowering:
    """`nn.ConvTranspose2d`; what one side is cut more than the other is sliced off."""
    arguments = node.arguments
    padding = arguments["padding"]
    kwargs = {"kernel_size": brief(arguments["kernel_size"]), **chosen(node, stride=1)}
    least = brief(tuple(min(pair) for pair in padding))
    if least != 0:
        kwargs["padding"] = least
    kwargs |= chosen(node, output_padding=0, groups=1, bias=True, dilation=1)
    module = Construct(
        f"nn.ConvTranspose{len(padding)}d", (arguments["in_channels"], arguments["out_channels"]), kwargs
    )
    if is_even(padding):
        return Lowering(module)
    cuts = [(before - min(before, after), after - min(before, after)) for before, after in padding]
    slices = ", ".join(f"{before or ''}:{-after or ''}" for before, after in cuts)
    return Lowering(module, "{module}({0})[:, :, " + slices + "]")


LOWERINGS: dict[str, Lower] = {"conv": lower_conv, "conv_transpose": lower_conv_transpose}
