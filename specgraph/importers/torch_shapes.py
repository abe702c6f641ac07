"""Traced calls that join, cut and reshape."""

from __future__ import annotations

from math import inf, prod
from typing import Any

import numpy as np

from specgraph.importers.flat import Refusal
from specgraph.importers.torch_arguments import CallArguments, spread
from specgraph.importers.torch_tracer import Tracer, op_name

LOWEST = float(np.finfo(np.float32).min)
"""What stands for minus infinity in a spec, whose numbers are finite."""
EMPTY = object()
"""Stands for a tensor without values, which a spec does not have: joined to others it adds nothing."""
POOLINGS = frozenset(f"max_pool{rank}d{ending}" for rank in (1, 2, 3) for ending in ("", "_with_indices"))


def flatten(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    rank = tracer.net.type_of(path).rank + 1
    start, end = given.start_dim % rank, given.end_dim % rank
    if start == 0:
        raise Refusal("it joins the batch axis with others")
    arguments: dict[str, Any] = {}
    if start != 1:
        arguments["start_dim"] = start
    if end != rank - 1:
        arguments["end_dim"] = end
    if start == end:
        return path
    return tracer.add(node, "flatten", [path], arguments)


def mean(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    kind = tracer.net.type_of(path)
    if given.get("dim") in (None, []):
        raise Refusal("it averages over the batch")
    dims = sorted(axis % (kind.rank + 1) for axis in spread(given.get("dim"), 1))
    if 0 in dims:
        raise Refusal("it averages over the batch")
    if given.keepdim and kind.is_feature_map and dims == list(range(2, kind.rank + 1)):
        return tracer.add(node, "global_avg_pool", [path])
    return tracer.add(node, "mean", [path], {"dim": dims if len(dims) > 1 else dims[0], "keepdim": given.keepdim})


def permute(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    rank = tracer.net.type_of(path).rank + 1
    return tracer.add(node, "permute", [path], {"dims": [axis % rank for axis in given.dims]})


def transpose(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    rank = tracer.net.type_of(path).rank + 1
    order = list(range(rank))
    left, right = given.dim0 % rank, given.dim1 % rank
    order[left], order[right] = order[right], order[left]
    return tracer.add(node, "permute", [path], {"dims": order})


def reshape(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    sizes = list(given.get("size") or given.get("shape"))
    rest = sizes[1:]
    total = prod(tracer.sizes(path))
    if sizes[0] == -1:
        if -1 in rest or prod(rest) != total:
            raise Refusal("it joins the batch axis with others")
    elif sizes[0] != tracer.batch_size or (-1 not in rest and prod(rest) != total):
        raise Refusal("it joins the batch axis with others")
    return _to(tracer, node, path, rest)


def _to(tracer: Tracer, node: Any, path: str, sizes: list[int]) -> str:
    dims = tracer.net.type_of(path).dims
    total = prod(tracer.sizes(path))
    if -1 in sizes:
        sizes = [total // -prod(sizes) if size == -1 else size for size in sizes]
    if tuple(sizes) == dims:
        return path
    if not sizes:
        raise Refusal("its result is a single number for each of the batch; a spec's values have an axis besides it")
    if len(sizes) == 1:
        return tracer.add(node, "flatten", [path])
    return tracer.add(node, "reshape", [path], {"shape": sizes})


def unsqueeze(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    sizes: list[int] = tracer.sizes(path)
    axis = given.dim % (len(sizes) + 2)
    if axis == 0:
        raise Refusal("it puts an axis in front of the batch")
    sizes.insert(axis - 1, 1)
    return _to(tracer, node, path, sizes)


def squeeze(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    sizes = tracer.sizes(path)
    chosen = given.get("dim")
    axes = [axis % (len(sizes) + 1) for axis in spread(chosen, 1)] if chosen is not None else range(1, len(sizes) + 1)
    kept = [size for axis, size in enumerate(sizes, 1) if not (axis in axes and size == 1)]
    return _to(tracer, node, path, kept)


def cut(tracer: Tracer, node: Any) -> Any:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    if node.meta["val"].numel() == 0:
        return EMPTY
    rank = tracer.net.type_of(path).rank + 1
    dim = given.dim % rank
    stop = given.end if given.end is not None and given.end < 2**31 else None
    if dim == 0:
        if given.start in (None, 0) and stop is None:
            return path
        raise Refusal("it cuts the batch")
    arguments: dict[str, Any] = {"dim": dim}
    if given.start:
        arguments["start"] = given.start
    if stop is not None:
        arguments["stop"] = stop
    if given.step != 1:
        arguments["step"] = given.step
    if len(arguments) == 1:
        return path
    return tracer.add(node, "slice", [path], arguments)


def select(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    sizes = tracer.sizes(path)
    dim = given.dim % (len(sizes) + 1)
    if dim == 0:
        raise Refusal("it picks one of the batch")
    index = given.index % sizes[dim - 1]
    if len(sizes) == 1:
        raise Refusal("its result is a single number for each of the batch; a spec's values have an axis besides it")
    return tracer.add(node, "select", [path], {"dim": dim, "index": index})


def roll(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    rank = len(tracer.sizes(path)) + 1
    dims = [int(dim) % rank for dim in given.get("dims") or ()]
    if not dims or 0 in dims:
        raise Refusal("it moves the samples of a batch")
    return tracer.add(node, "roll", [path], {"shifts": [int(shift) for shift in given.shifts], "dims": dims})


def parts(tracer: Tracer, node: Any) -> list[str]:
    """chunk, split: one slice per part."""
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    sizes = tracer.sizes(path)
    dim = given.dim % (len(sizes) + 1)
    if dim == 0:
        raise Refusal("it cuts the batch")
    size = sizes[dim - 1]
    wanted = given.get("split_sizes") or given.get("split_size")
    if given.get("chunks"):
        wanted = -(-size // given.chunks)
    lengths = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted] * -(-size // wanted)
    found, start = [], 0
    for length in lengths:
        stop = min(start + length, size)
        found.append(tracer.step(node, "slice", [path], {"dim": dim, "start": start, "stop": stop}, "part"))
        start = stop
    return found


def pad(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    amounts = list(given.pad)
    if not any(amounts):
        return path
    rank = tracer.net.type_of(path).rank
    pairs = [list(amounts[i : i + 2]) for i in range(0, len(amounts), 2)][::-1]
    by_axis = dict(zip(range(rank + 1 - len(pairs), rank + 1), pairs, strict=True))
    if any(by_axis.pop(0, ())):
        raise Refusal("it pads the batch")
    value = given.get("value") or 0
    if value == -inf and _pools(tracer, node, by_axis):
        tracer.narrow.add(node)
        return path
    path, by_axis = _cropped(tracer, node, path, by_axis)
    if not any(any(pair) for pair in by_axis.values()):
        return path
    arguments: dict[str, Any] = {"mode": given.get("mode", "constant"), "value": max(value, LOWEST)}
    if rank > 1:
        arguments["padding"] = [by_axis.get(axis, [0, 0]) for axis in range(2, rank + 1)]
    if 1 in by_axis:
        arguments["channels"] = by_axis[1]
    return tracer.add(node, "pad", [path], arguments)


def _pools(tracer: Tracer, node: Any, by_axis: dict[int, list[int]]) -> bool:
    """Whether nothing but pooling reads a padded value, which can pad by itself."""
    rank = node.meta["val"].ndim
    if any(axis < 2 and any(pair) for axis, pair in by_axis.items()) or not node.users:
        return False
    for reader in node.users:
        if op_name(reader) not in POOLINGS or reader.args[0] is not node:
            return False
        window = CallArguments(reader)
        if any(spread(window.padding, 1)) or window.ceil_mode or any(step != 1 for step in spread(window.dilation, 1)):
            return False
        kernel = spread(window.kernel_size, rank - 2)
        if any(2 * max(by_axis.get(axis, [0, 0])) > size for axis, size in enumerate(kernel, 2)):
            return False
    tracer.padded[node] = [by_axis.get(axis, [0, 0]) for axis in range(2, rank)]
    return True


def _cropped(tracer: Tracer, node: Any, path: str, by_axis: dict[int, list[int]]) -> tuple[str, dict[int, list[int]]]:
    """The value without what negative amounts cut away, and the amounts that are left."""
    sizes = tracer.sizes(path)
    for axis, (before, after) in by_axis.items():
        if before < 0 or after < 0:
            bounds = {"start": max(-before, 0), "stop": sizes[axis - 1] + min(after, 0)}
            path = tracer.step(node, "slice", [path], {"dim": axis, **bounds}, "cropped")
    return path, {axis: [max(amount, 0) for amount in pair] for axis, pair in by_axis.items()}


def channel_shuffle(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    return tracer.add(node, "channel_shuffle", [tracer.data(given.get("self"))], {"groups": given.groups})
