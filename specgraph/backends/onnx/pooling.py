"""Pooling.

PyTorch's `ceil_mode` counts a last window that starts inside the input or its front padding; the
extra cells it covers at the end never count. This is written as padding at the end, which every runtime
reads alike: ONNX's own `ceil_mode` is read in two ways where a window would start in the padding.
"""

from __future__ import annotations

import math

import numpy as np

from specgraph.backends.onnx.axes import multiply_axes
from specgraph.backends.onnx.builder import Array, Builder, Inexpressible, pads
from specgraph.backends.onnx.empty_windows import check_windows
from specgraph.backends.onnx.layout import FAR
from specgraph.backends.onnx.lowering import Lower, reduce_axes
from specgraph.backends.onnx.padding import pad, spatial
from specgraph.backends.onnx.resizing import lower_upsample
from specgraph.graph.dims import Dim
from specgraph.graph.model import Node
from specgraph.ops.sliding import SlidingWindow, window_of

Pairs = tuple[tuple[int, int], ...]


def lower_max_pool(builder: Builder, node: Node) -> None:
    """`MaxPool`; padding that is as wide as the kernel is a `Pad` of minus infinity before it. Raises
    `Inexpressible` for a window of padding alone."""
    window = window_of(node)
    kernel = window.kernel
    check_windows(node, window)
    value = builder.inputs(node)[0]
    padding = _widened(window.padding, _cells_behind(node, window))
    if _too_wide(padding, kernel):
        value = pad(builder, node, value, spatial(padding), rank=len(kernel) + 2, fill=-math.inf)
        padding = ((0, 0),) * len(kernel)
    builder.emit(
        node,
        "MaxPool",
        [value],
        kernel_shape=kernel,
        strides=window.stride,
        pads=pads(padding),
        dilations=window.dilation,
    )


def lower_avg_pool(builder: Builder, node: Node) -> None:
    """`AveragePool`, with a `Pad` in front where some padding counts and some does not; `divisor_override`
    is a `Mul` that follows. Raises `Inexpressible` for uncounted padding as wide as the kernel."""
    arguments, window = node.arguments, window_of(node)
    kernel, stride, padding = window.kernel, window.stride, window.padding
    divisor = arguments["divisor_override"]
    include_pad = arguments["count_include_pad"]
    extra = _cells_behind(node, window)
    behind = any(extra)
    value = builder.inputs(node)[0]
    if divisor is not None:  # every cell counts here, also those after: they are zeros in a sum
        include_pad, behind = True, False
        padding = _widened(padding, extra)
    elif include_pad and any(map(any, padding)) and behind:
        # The padding counts, the cells after do not: zeros first, then an average without padding.
        value = pad(builder, node, value, spatial(padding), rank=len(kernel) + 2)
        padding, include_pad = ((0, 0),) * len(kernel), False
        padding = _widened(padding, extra)
    else:
        include_pad = include_pad and not behind and any(map(any, padding))
        padding = _widened(padding, extra)
    if _too_wide(padding, kernel):
        value, padding = _pad_average(builder, node, value, padding, include_pad)
    attributes = {"count_include_pad": 1} if include_pad else {}
    if divisor is None:
        builder.emit(
            node,
            "AveragePool",
            [value],
            kernel_shape=kernel,
            strides=stride,
            pads=pads(padding),
            **attributes,
        )
        return
    mean = builder.step(
        node,
        "mean",
        "AveragePool",
        [value],
        kernel_shape=kernel,
        strides=stride,
        pads=pads(padding),
        **attributes,
    )
    factor = math.prod(kernel) / divisor
    builder.emit(node, "Mul", [mean, builder.floats(node, "factor", factor)])


def lower_lp_pool(builder: Builder, node: Node) -> None:
    """`LpPool` for an even power and whole windows. It takes absolute values, and of a window that hangs over the sum
    of what is there: PyTorch takes the values as they are, and their mean times the size of a whole window."""
    power, window = float(node.arguments["norm_type"]), window_of(node)
    cells = _cells_behind(node, window)
    kernel, stride = window.kernel, window.stride
    if power % 2 == 0 and not any(cells):
        builder.emit(node, "LpPool", p=int(power), kernel_shape=kernel, strides=stride)
        return
    value = builder.step(node, "powers", "Pow", [*builder.inputs(node), builder.floats(node, "p", power)])
    padding = pads(_widened(window.padding, cells))
    mean = builder.step(node, "mean", "AveragePool", [value], kernel_shape=kernel, strides=stride, pads=padding)
    total = builder.step(node, "sum", "Mul", [mean, builder.floats(node, "size", math.prod(kernel))])
    builder.emit(node, "Pow", [total, builder.floats(node, "root", 1 / power)])


def lower_soft_pool(builder: Builder, node: Node) -> None:
    """`Softmax` over the values of each window, which slices collect along a last axis, and the sum by its weights. No
    op of ONNX slides a window that subtracts its own largest value; that of the channel leaves sums of zero in others.

    A slice begins at its place in the window and leaves out what follows that place, so that its size may be free.
    """
    window = window_of(node)
    rank = len(window.kernel)
    last = builder.integers(node, "last", [rank + 2])
    value = builder.step(node, "values", "Unsqueeze", [*builder.inputs(node), last])
    for axis, (size, step) in enumerate(zip(window.kernel, window.stride, strict=True), 2):
        if size == step == 1:
            continue
        name = f"along{axis}"
        axes, steps = builder.integers(node, f"{name}/axis", [axis]), builder.integers(node, f"{name}/step", [step])
        slices = []
        for place in range(size):
            start = builder.integers(node, f"{name}/start{place}", [place])
            end = builder.integers(node, f"{name}/end{place}", [place + 1 - size or FAR])
            slices.append(builder.step(node, f"{name}/{place}", "Slice", [value, start, end, axes, steps]))
        value = builder.step(node, name, "Concat", slices, axis=rank + 2)
    weights = builder.step(node, "weights", "Softmax", [value], axis=rank + 2)
    weighted = builder.step(node, "weighted", "Mul", [value, weights])
    builder.emit(node, "ReduceSum", [weighted, last], keepdims=0)


def _pad_average(builder: Builder, node: Node, value: str, padding: Pairs, include_pad: bool) -> tuple[str, Pairs]:
    if not include_pad:
        raise Inexpressible(
            "padding as wide as the kernel, which does not count, cannot be said in ONNX",
            "pad less than the kernel, or write count_include_pad: true",
        )
    value = pad(builder, node, value, spatial(padding), rank=len(padding) + 2)
    return value, ((0, 0),) * len(padding)


def _cells_behind(node: Node, window: SlidingWindow) -> tuple[int, ...]:
    """Per axis, the cells after the padded input with which `ceil_mode` is rounding down.

    Of a size that is a number, those that the last window covers. Of a symbol L with padding (p, q), windows of w
    cells every s: PyTorch counts min(⌈(L + p + q - w) / s⌉ + 1, ⌈(L + p) / s⌉) windows. Which one is smaller does
    not depend on L, and both are ⌊(L + p + r - w) / s⌋ + 1 with r = min(q + s, w) - 1 in place of q.
    """
    if not window.ceil_mode:
        return (0,) * len(window.kernel)
    cells = []
    for axis, (before, after) in enumerate(window.padding):
        size, count = node.input_types[0].dims[axis + 1], node.output.dims[axis + 1]
        width, step = window.span(axis), window.stride[axis]
        if isinstance(size, int) and isinstance(count, int):
            cells.append(max(0, (count - 1) * step + width - size - before - after))
        else:
            cells.append(max(0, min(after + step, width) - 1 - after))
    return tuple(cells)


def _widened(padding: Pairs, extra: tuple[int, ...]) -> Pairs:
    return tuple((before, after + more) for (before, after), more in zip(padding, extra, strict=True))


def _too_wide(padding: Pairs, kernel: tuple[int, ...]) -> bool:
    """Runtimes refuse pooling whose padding is not smaller than the kernel."""
    return any(max(pair) >= size for pair, size in zip(padding, kernel, strict=True))


def lower_global(op_type: str) -> Lower:
    """The global pooling of that name."""

    def lower(builder: Builder, node: Node) -> None:
        builder.emit(node, op_type)

    return lower


def lower_adaptive_avg_pool(builder: Builder, node: Node) -> None:
    """`GlobalAveragePool` to one cell, `AveragePool` where all windows are alike, else a product with a
    matrix of shares along the axes where they are not."""
    plan = _adaptive_plan(builder, node, "ReduceMean")
    if plan is None:
        builder.emit(node, "GlobalAveragePool")
        return
    value, kernel, axes = plan
    if not any(size > 1 for size in kernel) and not axes:
        builder.emit(node, "Identity", [value])
    elif not axes:
        builder.emit(node, "AveragePool", [value], kernel_shape=kernel, strides=kernel)
    else:
        if any(size > 1 for size in kernel):
            value = builder.step(node, "even", "AveragePool", [value], kernel_shape=kernel, strides=kernel)
        _average_by_matrices(builder, node, value, axes)


def lower_adaptive_max_pool(builder: Builder, node: Node) -> None:
    """`GlobalMaxPool` to one cell, `MaxPool` where all windows are alike, else a `Gather` first that makes
    them so."""
    plan = _adaptive_plan(builder, node, "ReduceMax")
    if plan is None:
        builder.emit(node, "GlobalMaxPool")
        return
    value, kernel, axes = plan
    for axis, (old, new) in axes.items():
        windows = _windows(old, new)  # of unequal length: repeat the last cell of the short ones
        kernel[axis] = max(end - start for start, end in windows)
        cells = [min(start + step, end - 1) for start, end in windows for step in range(kernel[axis])]
        indices = builder.integers(node, f"cells{axis}", cells)
        value = builder.step(node, f"gather{axis}", "Gather", [value, indices], axis=axis + 2)
    if not any(size > 1 for size in kernel):
        builder.emit(node, "Identity", [value])
    else:
        builder.emit(node, "MaxPool", [value], kernel_shape=kernel, strides=kernel)


def _adaptive_plan(
    builder: Builder, node: Node, reduce: str
) -> tuple[str, list[int], dict[int, tuple[int, int]]] | None:
    """How to pool adaptively: the value to start from, the kernel of an ordinary pooling for axes
    whose windows are alike, and (old, new) sizes of the axes whose windows are not. None where
    everything is pooled to one cell."""
    before, after = node.input_types[0].dims[1:], node.output.dims[1:]
    if all(size == 1 for size in after):
        return None
    kernel = [1] * len(before)
    uneven: dict[int, tuple[int, int]] = {}
    whole: list[int] = []
    for axis, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        if isinstance(old, int) and isinstance(new, int):
            if old % new:
                uneven[axis] = (old, new)
            else:
                kernel[axis] = old // new
        elif new == 1:
            whole.append(axis + 2)
        else:
            raise Inexpressible(
                f"`{node.op}` to {_shown(after)} of an input that is {_shown(before)} cannot be said in ONNX: "
                "its windows depend on the size",
                "give the free sizes a number with --input-size",
            )
    value = builder.inputs(node)[0]
    if whole:
        value = reduce_axes(builder, node, reduce, value, whole, "whole")
    return value, kernel, uneven


def _shown(dims: tuple[Dim, ...]) -> str:
    return "x".join(str(dim) for dim in dims)


def _windows(old: int, new: int) -> list[tuple[int, int]]:
    """First and past-the-last cell of each window of PyTorch's adaptive pooling."""
    return [(index * old // new, -(-(index + 1) * old // new)) for index in range(new)]


def _average_by_matrices(builder: Builder, node: Node, value: str, axes: dict[int, tuple[int, int]]) -> None:
    """Windows of unequal length: along each axis, a product with the matrix of averaging weights."""
    matrices: dict[int, Array] = {}
    for axis, (old, new) in axes.items():
        weights = np.zeros((new, old))
        for row, (start, end) in enumerate(_windows(old, new)):
            weights[row, start:end] = 1 / (end - start)
        matrices[axis] = weights
    multiply_axes(builder, node, value, matrices, "average")


LOWERINGS: dict[str, Lower] = {
    "max_pool": lower_max_pool,
    "avg_pool": lower_avg_pool,
    "lp_pool": lower_lp_pool,
    "soft_pool": lower_soft_pool,
    "adaptive_avg_pool": lower_adaptive_avg_pool,
    "adaptive_max_pool": lower_adaptive_max_pool,
    "global_avg_pool": lower_global("GlobalAveragePool"),
    "global_max_pool": lower_global("GlobalMaxPool"),
    "upsample": lower_upsample,
}
