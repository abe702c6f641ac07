"""Normalisations in PyTorch."""

from __future__ import annotations

from typing import Any

from specgraph.backends.torch.arguments import chosen
from specgraph.backends.torch.lowering import Construct, Lower, Lowering
from specgraph.graph.model import Node


def lower_lrn(node: Node) -> Lowering:
    """`LocalResponseNorm`: PyTorch's, quicker on CPUs."""
    return Lowering(
        Construct("LocalResponseNorm", (node.arguments["size"],), chosen(node, alpha=1e-4, beta=0.75, k=1.0))
    )


def lower_batch_norm(node: Node) -> Lowering:
    """`nn.BatchNorm2d`; a vector takes `nn.BatchNorm1d`."""
    kwargs = chosen(node, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True)
    rank = max(node.output.rank - 1, 1)
    return Lowering(Construct(f"nn.BatchNorm{rank}d", (node.arguments["num_features"],), kwargs))


def lower_layer_norm(node: Node) -> Lowering:
    """`nn.LayerNorm` over the last axes, `ChannelsFirstLayerNorm` over the channels of a map."""
    return _over_axes(node, "LayerNorm", chosen(node, eps=1e-5, elementwise_affine=True, bias=True))


def lower_rms_norm(node: Node) -> Lowering:
    """`nn.RMSNorm` over the last axes, `ChannelsFirstRMSNorm` over the channels of a map."""
    return _over_axes(node, "RMSNorm", chosen(node, eps=None, elementwise_affine=True))


def _over_axes(node: Node, module: str, kwargs: dict[str, Any]) -> Lowering:
    axes = node.arguments["axes"]
    sizes = tuple(node.output.dims[axis - 1] for axis in axes)
    shape = sizes[0] if len(sizes) == 1 else sizes
    last = axes[-1] == node.output.rank
    return Lowering(Construct(f"nn.{module}" if last else f"ChannelsFirst{module}", (shape,), kwargs))


def lower_group_norm(node: Node) -> Lowering:
    """`nn.GroupNorm`."""
    sizes = (node.arguments["num_groups"], node.arguments["num_channels"])
    return Lowering(Construct("nn.GroupNorm", sizes, chosen(node, eps=1e-5, affine=True)))


def lower_instance_norm(node: Node) -> Lowering:
    """`nn.InstanceNorm2d`."""
    kwargs = chosen(node, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False)
    return Lowering(Construct(f"nn.InstanceNorm{node.output.rank - 1}d", (node.arguments["num_features"],), kwargs))


LOWERINGS: dict[str, Lower] = {
    "lrn": lower_lrn,
    "batch_norm": lower_batch_norm,
    "layer_norm": lower_layer_norm,
    "rms_norm": lower_rms_norm,
    "group_norm": lower_group_norm,
    "instance_norm": lower_instance_norm,
}
