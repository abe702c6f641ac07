"""Means, sums and maxima along axes in ONNX files."""

from __future__ import annotations

from math import prod

import numpy as np

from specgraph.importers.constants import integers
from specgraph.importers.flat import Refusal
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raise_affine import apply_affine
from specgraph.importers.raiser import Raise, Raiser, static


def reduced(raiser: Raiser, node: OnnxNode) -> tuple[list[int], bool] | None:
    """The axes a reduction goes over, as a spec counts them, and whether they stay; None for none."""
    rank = raiser.rank(raiser.data(node))
    given = raiser.constant(node, 1)
    axes = integers(given) if given is not None else [int(axis) for axis in node.attributes.get("axes") or []]
    if not axes:
        if node.attributes.get("noop_with_empty_axes", 0):
            return None
        axes = list(range(rank))
    return sorted(raiser.axis(axis, rank) for axis in axes), bool(node.attributes.get("keepdims", 1))


def raise_reduce_mean(raiser: Raiser, node: OnnxNode) -> None:
    path = raiser.data(node)
    reduction = reduced(raiser, node)
    if reduction is None:
        raiser.alias(node)
        return
    dims, keep = reduction
    kind = raiser.type_of(path)
    if keep and kind.is_feature_map and dims == list(range(2, kind.rank + 1)):
        raiser.add(node, "global_avg_pool", [path])
        return
    raiser.add(node, "mean", [path], {"dim": dims if len(dims) > 1 else dims[0], "keepdim": keep})


def raise_reduce_max(raiser: Raiser, node: OnnxNode) -> None:
    """The largest along axes: a max-pool over the whole of them, laid last."""
    path = raiser.data(node)
    reduction = reduced(raiser, node)
    if reduction is None:
        raiser.alias(node)
        return
    axes, keep = reduction
    kind = raiser.type_of(path)
    if keep and kind.is_feature_map and axes == list(range(2, kind.rank + 1)):
        raiser.add(node, "global_max_pool", [path])
        return
    sizes = [static(dim) for dim in kind.dims]
    kept = [axis for axis in range(1, len(sizes) + 1) if axis not in axes]
    left = [1 if axis in axes else size for axis, size in enumerate(sizes, 1) if keep or axis not in axes]
    if not left:
        raise Refusal("its result is a single number")
    if kept + axes != sorted(kept + axes):
        path = raiser.step("permute", [path], {"dims": [0, *kept, *axes]}, label="to_last")
    count = prod(sizes[axis - 1] for axis in axes)
    shape = [1, prod(sizes[axis - 1] for axis in kept), count]
    path = raiser.step("reshape", [path], {"shape": shape}, label="rows")
    path = raiser.step("max_pool", [path], {"kernel_size": [1, count]}, label="largest")
    if len(left) == 1:
        raiser.add(node, "flatten", [path])
    else:
        raiser.add(node, "reshape", [path], {"shape": left})


def raise_reduce_sum(raiser: Raiser, node: OnnxNode) -> None:
    """A sum is a mean times the number of values."""
    path = raiser.data(node)
    reduction = reduced(raiser, node)
    if reduction is None:
        raiser.alias(node)
        return
    dims, keep = reduction
    count = 1
    for axis in dims:
        count *= static(raiser.type_of(path).dims[axis - 1])
    mean = raiser.step("mean", [path], {"dim": dims if len(dims) > 1 else dims[0], "keepdim": keep}, label="mean")
    apply_affine(raiser, node, mean, np.asarray(count, np.float32), np.asarray(0, np.float32))


HANDLERS: dict[str, Raise] = {
    "ReduceMean": raise_reduce_mean,
    "ReduceMax": raise_reduce_max,
    "ReduceSum": raise_reduce_sum,
}
