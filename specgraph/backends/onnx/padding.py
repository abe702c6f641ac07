"""Padding as nodes of its own, where an op's own padding cannot say it."""

from __future__ import annotations

from collections.abc import Mapping

from specgraph.backends.onnx.builder import Builder, pads
from specgraph.graph.model import Node

SMALLEST = 1e-7 * 2**-126
"""A subnormal number in single precision, zero for any purpose."""

MODES = {
    "zeros": "constant",
    "constant": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


def pad(
    builder: Builder,
    node: Node,
    value: str,
    amounts: Mapping[int, tuple[int, int]],
    *,
    rank: int,
    mode: str = "constant",
    fill: float = 0.0,
    label: str | None = "pad",
    fusable: bool = False,
) -> str:
    """Pad axes of `value` (`amounts`: axis, batch as 0, to (before, after)). `mode` is PyTorch's.

    `rank` counts all axes. With `label` None the result is the node's own output. Unless `fusable`,
    zeros are written with their axes named (opset 18), or as the smallest number there is: onnxruntime
    1.31 folds other ones into a following pooling whose own padding is not zero or is then too wide.
    """
    if mode == "circular" and builder.opset < 19:
        return _wrap(builder, node, value, amounts, label)
    name = label or "pad"
    constant = mode in ("constant", "zeros")
    if constant and not fill and not fusable and builder.opset < 18:
        fill = SMALLEST  # a zero that is none
    named = constant and not fill and not fusable and builder.opset >= 18
    axes = range(rank)  # all of them: onnxruntime moves a Transpose through Pad as if it had no `axes`
    listed = [amounts.get(axis, (0, 0)) for axis in axes]
    inputs = [value, builder.integers(node, f"{name}/pads", pads(listed))]
    if constant and fill:
        inputs.append(builder.constant(f"{node.path}/{name}/value", _scalar(builder, fill)))
    elif named:
        inputs += ["", builder.integers(node, f"{name}/axes", list(axes))]
    if label is None:
        builder.emit(node, "Pad", inputs, mode=MODES[mode])
        return builder.value(node.path)
    return builder.step(node, label, "Pad", inputs, mode=MODES[mode])


def spatial(pairs: tuple[tuple[int, int], ...]) -> dict[int, tuple[int, int]]:
    """Paddings of the spatial axes by axis number."""
    return {axis + 2: pair for axis, pair in enumerate(pairs)}


def _scalar(builder: Builder, value: float):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.asarray(value, np.float16 if builder.half else np.float32)


def _wrap(builder: Builder, node: Node, value: str, amounts: Mapping[int, tuple[int, int]], label: str | None) -> str:
    """Circular padding before opset 19: the ends of each axis, joined to its other side."""
    padded = [(axis, pair) for axis, pair in sorted(amounts.items()) if any(pair)]
    name = label or "pad"
    for position, (axis, (before, after)) in enumerate(padded):
        axes = builder.integers(node, f"{name}/axis{axis}", [axis])
        parts = []
        if before:
            start = builder.integers(node, f"{name}/start{axis}", [-before])
            end = builder.integers(node, f"{name}/end{axis}", [2**62])
            parts.append(builder.step(node, f"{name}/before{axis}", "Slice", [value, start, end, axes]))
        parts.append(value)
        if after:
            start = builder.integers(node, f"{name}/zero{axis}", [0])
            end = builder.integers(node, f"{name}/after{axis}/end", [after])
            parts.append(builder.step(node, f"{name}/after{axis}", "Slice", [value, start, end, axes]))
        if label is None and position == len(padded) - 1:
            builder.emit(node, "Concat", parts, axis=axis)
            return builder.value(node.path)
        value = builder.step(node, f"{name}/wrap{axis}", "Concat", parts, axis=axis)
    if label is None:
        builder.emit(node, "Identity", [value])
    return value
