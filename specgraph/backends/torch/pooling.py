"""Pooling and resizing in PyTorch."""

from __future__ import annotations

from typing import Any

from specgraph.backends.torch.arguments import brief, chosen, is_even, pad_order, symmetric
from specgraph.backends.torch.lowering import Construct, Lower, Lowering, construct
from specgraph.graph.model import Node
from specgraph.ops.sliding import window_of


def _window(node: Node) -> dict[str, Any]:
    window = window_of(node)
    kwargs = {"kernel_size": brief(window.kernel)}
    if window.stride != window.kernel:
        kwargs["stride"] = brief(window.stride)
    if is_even(window.padding) and symmetric(window.padding) != 0:
        kwargs["padding"] = symmetric(window.padding)
    return kwargs


def lower_max_pool(node: Node) -> Lowering:
    """`nn.MaxPool2d`, inside `PaddedMaxPool` where the two sides of an axis are padded differently."""
    arguments = node.arguments
    padding = arguments["padding"]
    kwargs = _window(node) | chosen(node, dilation=1, ceil_mode=False)
    pool = Construct(f"nn.MaxPool{len(padding)}d", (), kwargs)
    if is_even(padding):
        return Lowering(pool)
    return Lowering(construct("PaddedMaxPool", pool, pad_order(padding), arguments["stride"], arguments["ceil_mode"]))


def lower_avg_pool(node: Node) -> Lowering:
    """`nn.AvgPool2d`, inside `PaddedAvgPool` where the two sides of an axis are padded differently."""
    arguments = node.arguments
    padding = arguments["padding"]
    kwargs = _window(node) | chosen(node, ceil_mode=False)
    even = is_even(padding)
    if even:
        kwargs |= chosen(node, count_include_pad=True)
    kwargs |= chosen(node, divisor_override=None)
    pool = Construct(f"nn.AvgPool{len(padding)}d", (), kwargs)
    if even:
        return Lowering(pool)
    counted = arguments["count_include_pad"] or arguments["divisor_override"] is not None
    return Lowering(
        construct("PaddedAvgPool", pool, pad_order(padding), arguments["stride"], arguments["ceil_mode"], counted)
    )


def _brief_size(size: tuple[int | None, ...]) -> Any:
    """An output size as PyTorch takes it: sizes that are kept (None) stay a tuple."""
    return size if None in size and len(size) > 1 else brief(size)


def lower_adaptive_avg_pool(node: Node) -> Lowering:
    """`nn.AdaptiveAvgPool2d`."""
    size = node.arguments["output_size"]
    return Lowering(construct(f"nn.AdaptiveAvgPool{len(size)}d", _brief_size(size)))


def lower_adaptive_max_pool(node: Node) -> Lowering:
    """`nn.AdaptiveMaxPool2d`."""
    size = node.arguments["output_size"]
    return Lowering(construct(f"nn.AdaptiveMaxPool{len(size)}d", _brief_size(size)))


def lower_global_avg_pool(node: Node) -> Lowering:
    """`nn.AdaptiveAvgPool2d(1)`."""
    return Lowering(construct(f"nn.AdaptiveAvgPool{node.output.rank - 1}d", 1))


def lower_global_max_pool(node: Node) -> Lowering:
    """`nn.AdaptiveMaxPool2d(1)`."""
    return Lowering(construct(f"nn.AdaptiveMaxPool{node.output.rank - 1}d", 1))


def lower_upsample(node: Node) -> Lowering:
    """`nn.Upsample`."""
    kwargs = chosen(node, size=None, scale_factor=None, mode="nearest", align_corners=None)
    return Lowering(Construct("nn.Upsample", (), kwargs))


LOWERINGS: dict[str, Lower] = {
    "max_pool": lower_max_pool,
    "avg_pool": lower_avg_pool,
    "adaptive_avg_pool": lower_adaptive_avg_pool,
    "adaptive_max_pool": lower_adaptive_max_pool,
    "global_avg_pool": lower_global_avg_pool,
    "global_max_pool": lower_global_max_pool,
    "upsample": lower_upsample,
}
