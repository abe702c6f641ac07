"""Convolutions."""

from __future__ import annotations

from specgraph.backends.onnx.builder import Builder, pads
from specgraph.backends.onnx.lowering import Lower
from specgraph.backends.onnx.padding import pad, spatial
from specgraph.graph.model import Node


def lower_conv(builder: Builder, node: Node) -> None:
    arguments = node.arguments
    kernel = arguments["kernel_size"]
    padding = arguments["padding"]
    if padding == "same":
        totals = [dilation * (size - 1) for size, dilation in zip(kernel, arguments["dilation"], strict=True)]
        padding = tuple((total // 2, total - total // 2) for total in totals)
    value = builder.inputs(node)[0]
    mode = arguments.get("padding_mode", "zeros")
    if mode != "zeros" and any(map(any, padding)):
        value = pad(builder, node, value, spatial(padding), rank=len(kernel) + 2, mode=mode)
        padding = ((0, 0),) * len(kernel)
    builder.emit(
        node,
        "Conv",
        [value, *_weights(builder, node)],
        kernel_shape=kernel,
        strides=arguments["stride"],
        pads=pads(padding),
        dilations=arguments["dilation"],
        group=arguments["groups"],
    )


def lower_conv_transpose(builder: Builder, node: Node) -> None:
    arguments = node.arguments
    builder.emit(
        node,
        "ConvTranspose",
        [*builder.inputs(node), *_weights(builder, node)],
        kernel_shape=arguments["kernel_size"],
        strides=arguments["stride"],
        pads=pads(arguments["padding"]),
        output_padding=arguments["output_padding"],
        dilations=arguments["dilation"],
        group=arguments["groups"],
    )


def _weights(builder: Builder, node: Node) -> list[str]:
    weight = builder.parameter(node, "weight")
    return [weight, builder.parameter(node, "bias")] if builder.has_parameter(node, "bias") else [weight]


LOWERINGS: dict[str, Lower] = {"conv": lower_conv, "conv_transpose": lower_conv_transpose}
