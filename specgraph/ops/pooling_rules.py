"""Sizes of what is pooled, in one, two or three dimensions by the input's rank."""

from __future__ import annotations

from specgraph.graph.dims import Dim
from specgraph.graph.model import Node
from specgraph.graph.types import TensorType
from specgraph.ops.convolution import kernel_too_large
from specgraph.ops.definition import Call


def infer_pool(call: Call) -> TensorType:
    """Each spatial size by PyTorch's rule: rounded down, or up with `ceil_mode`, but then never with
    a window that starts in the padding at the end. Serves any op that slides a window, whatever it takes of
    `stride`, `padding`, `dilation` and `ceil_mode`."""
    dims = call.input.dims
    window = call.window()
    out: list[Dim] = [dims[0]]
    per_axis = zip(dims[1:], window.kernel, window.stride, window.dilation, window.padding, strict=True)
    for size, k, s, d, (before, after) in per_axis:
        if before > k // 2 or after > k // 2:
            raise call.fault(
                "padding-too-large", "pooled", {"padding": max(before, after), "kernel": k}, argument="padding"
            )
        extra = before + after - d * (k - 1) - 1
        if window.ceil_mode:
            extra = min(extra + s - 1, before - 1)  # no window starts after the input
        room = size + extra
        if not (room >= 0 if isinstance(room, int) else call.at_least(room, 0)):
            raise kernel_too_large(call, "kernel_size")
        out.append(room // s + 1)
    return call.input.with_dims(tuple(out))


def infer_avg_pool(call: Call) -> TensorType:
    """As `infer_pool`, with PyTorch's two exceptions: no `divisor_override` in one dimension, and in
    three the input must be as large as the window, also where `ceil_mode` lets windows hang over. What
    is padded alike on both sides counts without its padding; other padding comes before the pooling."""
    dims = call.input.dims
    if call.arguments["divisor_override"] is not None and len(dims) == 2:
        raise call.fault("contradicting-arguments", "divisor", argument="divisor_override")
    return _at_least_a_window(call, infer_pool(call))


def _at_least_a_window(call: Call, output: TensorType) -> TensorType:
    """The output of an average; raises `Fault` where PyTorch's average in three dimensions refuses the input."""
    dims, window = call.input.dims, call.window()
    if len(dims) == 4:
        inside = all(before == after for before, after in window.padding)
        for size, k, (before, after) in zip(dims[1:], window.kernel, window.padding, strict=True):
            counted = size if inside else size + before + after
            if not call.at_least(counted, k):
                facts = {"kernel": window.kernel, "is_padded": not inside, "counted": counted}
                raise call.fault("kernel-larger-than-input", "average", facts, argument="kernel_size")
    return output


def infer_lp_pool(call: Call) -> TensorType:
    """As `infer_avg_pool`: PyTorch takes the mean of powers."""
    return _at_least_a_window(call, infer_pool(call))


def infer_adaptive_pool(call: Call) -> TensorType:
    """(C, …) to (C, *output_size); null keeps an axis as it is."""
    dims = call.input.dims
    rank = call.spatial_rank()
    (wanted,) = call.each_per_axis(rank, "output_size")
    sizes = tuple(size if out is None else out for out, size in zip(wanted, dims[1:], strict=True))
    if rank == 1:
        call.number(sizes[0], f"the size of {call.name}")
    call.arguments["output_size"] = tuple(size if isinstance(size, int) else None for size in sizes)
    return call.input.with_dims((dims[0], *sizes))


def adaptive_arithmetic(node: Node, axis: int) -> str:
    """An adaptive pooling gives the size it was asked for."""
    return f"output_size is {node.output.dims[axis + 1]}"


def infer_global_pool(call: Call) -> TensorType:
    """(C, …) to (C, 1, …)."""
    rank = call.spatial_rank()
    return call.input.with_dims((call.input.dims[0], *(1,) * rank))
