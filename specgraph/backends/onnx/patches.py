"""Windows as columns: a convolution by the unit vectors of a window, and its transpose."""

from __future__ import annotations

from math import prod

import numpy as np

from specgraph.backends.onnx.builder import Attribute, Builder, known, numbers
from specgraph.backends.onnx.lowering import Lower
from specgraph.graph.model import Node
from specgraph.ops.sliding import read_window


def _window(node: Node) -> dict[str, Attribute]:
    arguments = node.arguments
    return {
        "kernel_shape": arguments["kernel_size"],
        "strides": arguments["stride"],
        "pads": [*arguments["padding"], *arguments["padding"]],
        "dilations": arguments["dilation"],
    }


def _unit_vectors(builder: Builder, node: Node) -> str:
    """Weights of which each picks one value of a window."""
    kernel = node.arguments["kernel_size"]
    return builder.floats(node, "picks", np.eye(prod(kernel)).reshape(-1, 1, *kernel))


def lower_unfold(builder: Builder, node: Node) -> None:
    """Each channel by itself is convolved: `Reshape`, `Conv`, `Reshape`."""
    (value,) = builder.inputs(node)
    dims, values = node.input_types[0].dims, prod(node.arguments["kernel_size"])
    if known(dims[1:]):
        alone = builder.integers(node, "alone/shape", [-1, 1, *numbers(dims[1:])])
    else:
        each = builder.integers(node, "each", [-1, 1])
        sizes = builder.step(node, "sizes", "Shape", [value], start=2)
        alone = builder.step(node, "alone/shape", "Concat", [each, sizes], axis=0)
    maps = builder.step(node, "alone", "Reshape", [value, alone])
    picked = builder.step(node, "picked", "Conv", [maps, _unit_vectors(builder, node)], **_window(node))
    batch = builder.step(node, "batch", "Shape", [value], start=0, end=1)
    if known(node.output.dims):
        rest = builder.integers(node, "rest", numbers(node.output.dims))
    else:
        channels = builder.step(node, "channels", "Shape", [value], start=1, end=2)
        rows = builder.step(node, "rows", "Mul", [channels, builder.integers(node, "values", [values])])
        rest = builder.step(node, "rest", "Concat", [rows, builder.integers(node, "columns", [-1])], axis=0)
    shape = builder.step(node, "shape", "Concat", [batch, rest], axis=0)
    builder.emit(node, "Reshape", [picked, shape])


def lower_fold(builder: Builder, node: Node) -> None:
    """Each channel by itself is convolved the other way: `Reshape`, `ConvTranspose`, `Reshape`."""
    (value,) = builder.inputs(node)
    arguments = node.arguments
    window, sizes = read_window(arguments, 2), arguments["output_size"]
    counts, missing = [], []
    for axis, (size, (before, _), step) in enumerate(zip(sizes, window.padding, window.stride, strict=True)):
        steps, left = divmod(size + 2 * before - window.span(axis), step)
        counts.append(steps + 1)
        missing.append(left)
    apart = builder.integers(node, "apart/shape", [-1, prod(window.kernel), *counts])
    maps = builder.step(node, "apart", "Reshape", [value, apart])
    picks = _unit_vectors(builder, node)
    summed = builder.step(node, "summed", "ConvTranspose", [maps, picks], **_window(node), output_padding=missing)
    batch = builder.step(node, "batch", "Shape", [value], start=0, end=1)
    rest = builder.integers(node, "rest", [-1, *sizes])
    builder.emit(node, "Reshape", [summed, builder.step(node, "shape", "Concat", [batch, rest], axis=0)])


LOWERINGS: dict[str, Lower] = {"unfold": lower_unfold, "fold": lower_fold}
