"""Pooling of ONNX files."""

from __future__ import annotations

from typing import Any

import numpy as np

from specgraph.importers.flat import Refusal
from specgraph.importers.linear_maps import average_map, num_windows, side_of_map, write_maps
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raise_layers import Pairs, map_rank, numbers, padding_of, rounded
from specgraph.importers.raiser import Raise, Raiser, static

LOWEST = -3.0e38
"""What pads before a maximum: far below any value, and a float32."""


def raise_max_pool(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = map_rank(raiser, path)
    kernel = numbers(node, "kernel_shape", rank)
    stride, dilation = numbers(node, "strides", rank), numbers(node, "dilations", rank)
    padding = padding_of(raiser, node, path, kernel, stride, dilation)
    arguments: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    if any(2 * max(pair) > size for pair, size in zip(padding, kernel, strict=True)):
        # PyTorch pads by at most half the kernel: the rest by a node of its own, far below any value.
        ceil = bool(node.attributes.get("ceil_mode", 0))
        if ceil:
            padding = _whole_windows(raiser, path, kernel, stride, dilation, padding)
        path = raiser.step("pad", [path], {"padding": padding, "value": LOWEST})
        arguments["padding"] = 0
        _pool(raiser, node, path, "max_pool", arguments, ceil=False)
        return
    _pool(raiser, node, path, "max_pool", arguments)


def _whole_windows(
    raiser: Raiser, path: str, kernel: list[int], stride: list[int], dilation: list[int], padding: Pairs
) -> Pairs:
    """Padding with which the windows that `ceil_mode` takes are whole, and no other is."""
    pairs = []
    for axis, dim in enumerate(raiser.type_of(path).dims[1:]):
        size, before = static(dim), padding[axis][0]
        k, s, d = kernel[axis], stride[axis], dilation[axis]
        end = (num_windows(size, k, s, d, _pair(padding[axis]), True) - 1) * s + d * (k - 1) + 1
        pairs.append([before, max(0, end - size - before)])
    return pairs


def raise_avg_pool(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    rank = map_rank(raiser, path)
    kernel = numbers(node, "kernel_shape", rank)
    stride = numbers(node, "strides", rank)
    dilation = numbers(node, "dilations", rank)
    padding = padding_of(raiser, node, path, kernel, stride, dilation)
    include = bool(node.attributes.get("count_include_pad", 0))
    too_wide = any(2 * max(pair) > size for pair, size in zip(padding, kernel, strict=True))
    ceil = bool(node.attributes.get("ceil_mode", 0))
    if any(step != 1 for step in dilation) or (too_wide and (ceil or not include)):
        sides = [side_of_map(raiser, static(size)) for size in raiser.type_of(path).dims[1:]]
        maps = {
            axis + 2: average_map(side, kernel[axis], stride[axis], dilation[axis], _pair(padding[axis]), include, ceil)
            for axis, side in enumerate(sides)
        }
        summands = {axis: np.zeros(len(matrix)) for axis, matrix in maps.items()}
        pairs = {axis: (matrix, summands[axis]) for axis, matrix in maps.items()}
        write_maps(raiser, node, path, pairs, "average pooling with dilation or wide padding")
        return
    arguments: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "padding": padding}
    if too_wide:
        path = raiser.step("pad", [path], {"padding": padding})
        arguments["padding"] = 0
    elif any(map(any, padding)):
        arguments["count_include_pad"] = include
    _pool(raiser, node, path, "avg_pool", arguments)


def raise_lp_pool(raiser: Raiser, node: OnnxNode) -> None:
    """ONNX takes absolute values, and of a window that hangs over the sum of what is there, as if zeros followed."""
    path = raiser.data(node)
    rank = map_rank(raiser, path)
    kernel, stride = numbers(node, "kernel_shape", rank), numbers(node, "strides", rank)
    dilation = numbers(node, "dilations", rank)
    if any(step != 1 for step in dilation):
        raise Refusal(f"its windows have a dilation of {dilation}, which `lp_pool` does not take")
    padding = padding_of(raiser, node, path, kernel, stride, dilation)
    if node.attributes.get("ceil_mode", 0):
        padding = _whole_windows(raiser, path, kernel, stride, dilation, padding)
    if any(map(any, padding)):
        path = raiser.step("pad", [path], {"padding": padding})
    power = rounded(node.attributes.get("p", 2))
    if power % 2 != 0:
        path = raiser.step("abs", [path])
    arguments = {"norm_type": power, "kernel_size": kernel, "stride": stride}
    _pool(raiser, node, path, "lp_pool", arguments, ceil=False)


def _pair(amounts: list[int]) -> tuple[int, int]:
    before, after = amounts
    return before, after


def _pool(
    raiser: Raiser, node: OnnxNode, path: str, op: str, arguments: dict[str, Any], *, ceil: bool | None = None
) -> None:
    if arguments["stride"] == arguments["kernel_size"]:
        del arguments["stride"]
    if node.attributes.get("ceil_mode", 0) if ceil is None else ceil:
        arguments["ceil_mode"] = True
    raiser.add(node, op, [path], arguments)


def raise_global_pool(op: str) -> Raise:
    def handler(raiser: Raiser, node: OnnxNode) -> None:
        path = raiser.data(node)
        map_rank(raiser, path)
        raiser.add(node, op, [path])

    return handler


HANDLERS: dict[str, Raise] = {
    "MaxPool": raise_max_pool,
    "AveragePool": raise_avg_pool,
    "LpPool": raise_lp_pool,
    "GlobalAveragePool": raise_global_pool("global_avg_pool"),
    "GlobalMaxPool": raise_global_pool("global_max_pool"),
}
