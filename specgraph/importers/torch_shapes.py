"""Traced calls that join, cut and reshape."""

from __future__ import annotations

from math import prod
from typing import Any

from specgraph.graph.dims import Dim
from specgraph.importers.flat import Refusal
from specgraph.importers.torch_arguments import CallArguments, spread
from specgraph.importers.torch_tracer import Tracer


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


def cat(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    paths = [tracer.data(value) for value in given.tensors]
    dim = given.dim % (tracer.net.type_of(paths[0]).rank + 1)
    return tracer.add(node, "concat", paths, {"dim": dim}) if len(paths) > 1 else paths[0]


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
    dims = tracer.net.type_of(path).dims
    rest = sizes[1:]
    total = prod(_known(dims))
    if sizes[0] == -1:
        if -1 in rest or prod(rest) != total:
            raise Refusal("it joins the batch axis with others")
    elif sizes[0] != tracer.batch_size or (-1 not in rest and prod(rest) != total):
        raise Refusal("it joins the batch axis with others")
    return _to(tracer, node, path, rest)


def _to(tracer: Tracer, node: Any, path: str, sizes: list[int]) -> str:
    dims = tracer.net.type_of(path).dims
    total = prod(_known(dims))
    if -1 in sizes:
        sizes = [total // -prod(sizes) if size == -1 else size for size in sizes]
    if tuple(sizes) == dims:
        return path
    if not sizes:
        raise Refusal("its result is a single number for each of the batch; a spec's values have an axis besides it")
    if len(sizes) == 1:
        return tracer.add(node, "flatten", [path])
    return tracer.add(node, "reshape", [path], {"shape": sizes})


def _known(dims: tuple[Dim, ...]) -> list[int]:
    return [int(str(dim)) for dim in dims]


def unsqueeze(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    sizes: list[int] = _known(tracer.net.type_of(path).dims)
    axis = given.dim % (len(sizes) + 2)
    if axis == 0:
        raise Refusal("it puts an axis in front of the batch")
    sizes.insert(axis - 1, 1)
    return _to(tracer, node, path, sizes)


def squeeze(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    sizes = _known(tracer.net.type_of(path).dims)
    chosen = given.get("dim")
    axes = [axis % (len(sizes) + 1) for axis in spread(chosen, 1)] if chosen is not None else range(1, len(sizes) + 1)
    kept = [size for axis, size in enumerate(sizes, 1) if not (axis in axes and size == 1)]
    return _to(tracer, node, path, kept)


def cut(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
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
    sizes = _known(tracer.net.type_of(path).dims)
    dim = given.dim % (len(sizes) + 1)
    if dim == 0:
        raise Refusal("it picks one of the batch")
    index = given.index % sizes[dim - 1]
    one = tracer.step(node, "slice", [path], {"dim": dim, "start": index, "stop": index + 1}, "select")
    del sizes[dim - 1]
    return _to(tracer, node, one, sizes)


def parts(tracer: Tracer, node: Any) -> list[str]:
    """chunk, split: one slice per part."""
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    sizes = _known(tracer.net.type_of(path).dims)
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
    if 0 in by_axis or min(amounts) < 0:
        raise Refusal("it pads the batch, or cuts away")
    arguments: dict[str, Any] = {"mode": given.get("mode", "constant"), "value": given.get("value") or 0}
    if rank > 1:
        arguments["padding"] = [by_axis.get(axis, [0, 0]) for axis in range(2, rank + 1)]
    if 1 in by_axis:
        arguments["channels"] = by_axis[1]
    return tracer.add(node, "pad", [path], arguments)


def channel_shuffle(tracer: Tracer, node: Any) -> str:
    given = CallArguments(node)
    return tracer.add(node, "channel_shuffle", [tracer.data(given.get("self"))], {"groups": given.groups})
