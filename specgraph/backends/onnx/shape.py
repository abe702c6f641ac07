"""Changing shapes."""

from __future__ import annotations

from specgraph.backends.onnx.builder import Builder, known, numbers
from specgraph.backends.onnx.lowering import Lower
from specgraph.backends.onnx.padding import pad, spatial
from specgraph.graph.model import Node

FAR = 2**62
"""Stands for the end of an axis in Slice."""


def lower_pad(builder: Builder, node: Node) -> None:
    """`Pad`, see `padding.pad`; nothing to pad is an `Identity`."""
    arguments = node.arguments
    amounts = spatial(arguments["padding"]) if arguments["padding"] else {}
    if arguments["channels"]:
        amounts[1] = tuple(arguments["channels"])
    if not any(map(any, amounts.values())):
        builder.emit(node, "Identity")
        return
    readers = [reader.op for reader in builder.graph.nodes.values() if node.path in reader.inputs]
    pad(
        builder,
        node,
        builder.inputs(node)[0],
        amounts,
        rank=node.output.rank + 1,
        mode=arguments["mode"],
        fill=float(arguments["value"]),
        label=None,
        fusable=all(op == "conv" for op in readers),
    )


def lower_slice(builder: Builder, node: Node) -> None:
    """`Slice` along one axis, to `FAR` where it has no stop."""
    arguments = node.arguments
    stop = FAR if arguments["stop"] is None else arguments["stop"]
    bounds = {
        "start": arguments["start"] or 0,
        "stop": stop,
        "dim": arguments["dim"],
        "step": arguments["step"],
    }
    bounds["dim"] %= node.output.rank + 1
    inputs = [builder.integers(node, label, [number]) for label, number in bounds.items()]
    builder.emit(node, "Slice", [*builder.inputs(node), *inputs])


def lower_reshape(builder: Builder, node: Node) -> None:
    """`Reshape` that keeps the batch axis, to numbers where they are known, else as written."""
    dims = node.output.dims
    wanted = numbers(dims) if known(dims) else tuple(node.arguments["shape"])
    builder.emit(node, "Reshape", [*builder.inputs(node), builder.integers(node, "shape", [0, *wanted])])


def lower_permute(builder: Builder, node: Node) -> None:
    """`Transpose`; the batch axis stays before it."""
    rank = node.output.rank + 1
    builder.emit(node, "Transpose", (), perm=[axis % rank for axis in node.arguments["dims"]])


def lower_channel_shuffle(builder: Builder, node: Node) -> None:
    """`Reshape` to groups, `Transpose`, `Reshape` back; the spatial axes are one where a size of them is free."""
    groups = node.arguments["groups"]
    dims = node.input_types[0].dims
    (value,) = builder.inputs(node)
    channels = dims[0]
    rank = len(dims) + 2
    if not isinstance(channels, int):
        joined = builder.step(node, "joined/shape", "Shape", [value])
        sizes = builder.step(node, "sizes", "Shape", [value], start=2)
        front = builder.integers(node, "front", [0, groups, -1])
        split = builder.step(node, "split/shape", "Concat", [front, sizes], axis=0)
    elif known(dims):
        split = builder.integers(node, "split/shape", [0, groups, channels // groups, *numbers(dims[1:])])
        joined = builder.integers(node, "joined/shape", [0, *numbers(dims)])
    else:
        split = builder.integers(node, "split/shape", [0, groups, channels // groups, -1])
        joined = builder.step(node, "joined/shape", "Shape", [value])
        rank = 4
    parts = builder.step(node, "split", "Reshape", [value, split])
    turned = builder.step(node, "turned", "Transpose", [parts], perm=[0, 2, 1, *range(3, rank)])
    builder.emit(node, "Reshape", [turned, joined])


def lower_pixel_shuffle(builder: Builder, node: Node) -> None:
    """`DepthToSpace` in the order of PyTorch, `CRD`."""
    builder.emit(node, "DepthToSpace", (), blocksize=node.arguments["upscale_factor"], mode="CRD")


def lower_mean(builder: Builder, node: Node) -> None:
    """`ReduceMean`, whose axes are an input from opset 18 on, an attribute before."""
    rank = node.input_types[0].rank + 1
    axes = [axis % rank for axis in node.arguments["dim"]]
    keepdims = int(node.arguments["keepdim"])
    if builder.opset >= 18:
        inputs = [*builder.inputs(node), builder.integers(node, "axes", axes)]
        builder.emit(node, "ReduceMean", inputs, keepdims=keepdims)
    else:
        builder.emit(node, "ReduceMean", (), axes=axes, keepdims=keepdims)


LOWERINGS: dict[str, Lower] = {
    "pad": lower_pad,
    "slice": lower_slice,
    "reshape": lower_reshape,
    "permute": lower_permute,
    "channel_shuffle": lower_channel_shuffle,
    "pixel_shuffle": lower_pixel_shuffle,
    "mean": lower_mean,
}
