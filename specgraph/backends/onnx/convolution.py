"""Convolutions."""

from __future__ import annotations

from specgraph.backends.onnx.builder import Attribute, Builder, pads
from specgraph.backends.onnx.lowering import Lower
from specgraph.backends.onnx.padding import pad, spatial
from specgraph.graph.model import Node


def lower_conv(builder: Builder, node: Node) -> None:
    """`Conv`; a padding of other than zeros, a `Pad` before it."""
    arguments = node.arguments
    kernel = arguments["kernel_size"]
    padding = arguments["padding"]
    value = builder.inputs(node)[0]
    mode = arguments["padding_mode"]
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
    """`output_padding` is what is cut less at the end. Where more is wanted than was to be cut, and the
    stride does not cover it, runtimes refuse ONNX's own attribute: then rows of zeros are added
    after, and the bias after them."""
    arguments = node.arguments
    stride, padding, extra = arguments["stride"], arguments["padding"], arguments["output_padding"]
    weights = _weights(builder, node)
    missing = [(0, 0)] * len(stride)
    if any(more >= step for more, step in zip(extra, stride, strict=True)):
        missing = [(0, max(more - after, 0)) for more, (_, after) in zip(extra, padding, strict=True)]
        padding = [(before, max(after - more, 0)) for more, (before, after) in zip(extra, padding, strict=True)]
        extra = (0,) * len(stride)
    late_bias = any(map(any, missing))
    inputs = [*builder.inputs(node), *(weights[:1] if late_bias else weights)]
    attributes: dict[str, Attribute] = {
        "kernel_shape": arguments["kernel_size"],
        "strides": stride,
        "pads": pads(padding),
        "output_padding": extra,
        "dilations": arguments["dilation"],
        "group": arguments["groups"],
    }
    if not late_bias:
        builder.emit(node, "ConvTranspose", inputs, **attributes)
        return
    value = builder.step(node, "product", "ConvTranspose", inputs, **attributes)
    has_bias = len(weights) > 1
    label = "behind" if has_bias else None
    value = pad(builder, node, value, spatial(tuple(missing)), rank=len(stride) + 2, label=label)
    if has_bias:
        ones = (1,) * len(stride)
        bias = builder.parameter(node, "bias", lambda array: array.reshape(-1, *ones), f"of{len(stride)}")
        builder.emit(node, "Add", [value, bias])


def _weights(builder: Builder, node: Node) -> list[str]:
    weight = builder.parameter(node, "weight")
    return [weight, builder.parameter(node, "bias")] if builder.has_parameter(node, "bias") else [weight]


LOWERINGS: dict[str, Lower] = {"conv": lower_conv, "conv_transpose": lower_conv_transpose}
