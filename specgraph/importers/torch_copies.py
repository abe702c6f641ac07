"""Traced calls that fill, stack, repeat and gather: values that a spec has without an op of their own."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

from specgraph.importers.flat import Refusal
from specgraph.importers.torch_arguments import CallArguments, spread
from specgraph.importers.torch_held import data_or_held
from specgraph.importers.torch_in_place import FILLS, fill_of
from specgraph.importers.torch_tracer import Handler, Tracer, op_name

MAX_COPIES = 64
MAX_PIECES = 64


class Filled(NamedTuple):
    """Stands for a tensor that holds one number everywhere."""

    value: float


class Stacked(NamedTuple):
    """Stands for values stacked along a new axis before the batch: what is done to that axis is done to them."""

    paths: list[str]


def number_of(tracer: Tracer, value: Any) -> Any:
    """The number that a filled tensor holds; any other value as it is."""
    found = tracer.values.get(value) if not isinstance(value, (bool, int, float, str)) else None
    return found.value if isinstance(found, Filled) else value


def filled(_: Tracer, node: Any) -> Filled:
    """`zeros_like` and its kin."""
    return Filled(fill_of(node))


def cat(tracer: Tracer, node: Any) -> Any:
    """A concat. Tensors of one number at either end are a pad; those without values are left out."""
    given = CallArguments(node)
    tensors = [value for value in given.tensors if value.meta["val"].numel()]
    first = next((value for value in tensors if tracer.is_data(value)), None)
    if first is None:
        raise Refusal("it reads a constant where a spec needs a node")
    rank = tracer.net.type_of(tracer.data(first)).rank + 1
    dim = given.dim % rank
    before, after = _ends(tracer, tensors)
    paths = [data_or_held(tracer, value, rank) for value in tensors[len(before) : len(tensors) - len(after)]]
    ends = before + after
    if not ends:
        return tracer.add(node, "concat", paths, {"dim": dim}) if len(paths) > 1 else paths[0]
    numbers = {tracer.values[value].value for value in ends}
    sizes = [sum(int(value.meta["val"].shape[dim]) for value in part) for part in (before, after)]
    if dim == 0 or len(numbers) > 1:
        raise Refusal("it joins constants of several numbers, or along the batch, which a spec does not")
    if len(paths) > 1:
        joined = tracer.step(node, "concat", paths, {"dim": dim}, "joined")
    else:
        (joined,) = paths
    return tracer.add(node, "pad", [joined], _pad(tracer, joined, dim, sizes, numbers.pop()))


def _ends(tracer: Tracer, tensors: list[Any]) -> tuple[list[Any], list[Any]]:
    """The filled tensors at the start and at the end."""
    is_filled = [isinstance(tracer.values.get(value), Filled) for value in tensors]
    start = is_filled.index(False)
    end = is_filled[::-1].index(False)
    return tensors[:start], tensors[len(tensors) - end :]


def _pad(tracer: Tracer, path: str, dim: int, amounts: list[int], value: float) -> dict[str, Any]:
    kind = tracer.net.type_of(path)
    if not (kind.is_feature_map or kind.is_vector):
        raise Refusal("it joins constants to a value without channels, which a spec's `pad` does not")
    if dim == 1:
        return {"channels": amounts, "value": value}
    return {"padding": [amounts if axis == dim else [0, 0] for axis in range(2, kind.rank + 1)], "value": value}


def stack(tracer: Tracer, node: Any) -> Any:
    """Along the first axis, before the batch, nothing as yet; else each gets an axis, and they are joined."""
    given = CallArguments(node)
    paths = [tracer.data(value) for value in given.tensors]
    sizes = tracer.sizes(paths[0])
    dim = given.dim % (len(sizes) + 2)
    if dim == 0:
        return Stacked(paths)
    shape = [*sizes[: dim - 1], 1, *sizes[dim - 1 :]]
    layers = [tracer.step(node, "reshape", [path], {"shape": shape}, "layer") for path in paths]
    return tracer.add(node, "concat", layers, {"dim": dim})


def over_stacked(handler: Handler, scaled: Callable[[Tracer, Any, str, float], str] | None = None) -> Handler:
    """A sum that also goes over values stacked before the batch; with `scaled`, which multiplies, a mean."""

    def both(tracer: Tracer, node: Any) -> Any:
        given = CallArguments(node)
        found = tracer.values.get(given.get("self"))
        if not isinstance(found, Stacked):
            return handler(tracer, node)
        if given.get("dim") is None or spread(given.dim, 1) != [0] or given.get("keepdim", False):
            raise Refusal("it works along other axes than that along which its values are stacked, before the batch")
        if len(found.paths) == 1:
            return found.paths[0]
        if scaled is None:
            return tracer.add(node, "add", found.paths)
        total = tracer.step(node, "add", found.paths, {}, "add")
        return scaled(tracer, node, total, 1 / len(found.paths))

    return both


def select_stacked(handler: Handler) -> Handler:
    """`select` that also picks one of the values stacked before the batch."""

    def both(tracer: Tracer, node: Any) -> Any:
        given = CallArguments(node)
        found = tracer.values.get(given.get("self"))
        if not isinstance(found, Stacked):
            return handler(tracer, node)
        if given.dim != 0:
            raise Refusal("it picks along another axis than that along which its values are stacked, before the batch")
        return found.paths[given.index]

    return both


def unbind(tracer: Tracer, node: Any) -> list[str]:
    """Every entry along an axis, that axis gone."""
    given = CallArguments(node)
    found = tracer.values.get(given.get("self"))
    if isinstance(found, Stacked) and given.dim == 0:
        return found.paths
    path = tracer.data(given.get("self"))
    sizes = tracer.sizes(path)
    dim = given.dim % (len(sizes) + 1)
    if dim == 0:
        raise Refusal("it takes the samples of a batch apart")
    if sizes[dim - 1] > MAX_PIECES:
        raise Refusal(f"it takes {sizes[dim - 1]} entries apart; at most {MAX_PIECES} are written as slices")
    rest = [size for axis, size in enumerate(sizes, 1) if axis != dim]
    if not rest:
        raise Refusal("its result is a single number for each of the batch; a spec's values have an axis besides it")
    return [
        tracer.step(node, "select", [path], {"dim": dim, "index": index}, "entry") for index in range(sizes[dim - 1])
    ]


def copies(tracer: Tracer, node: Any, path: str, times: list[int]) -> str:
    """A value repeated along its axes, so often along each (without the batch)."""
    sizes = tracer.sizes(path)
    single = [count if size == 1 and count > 1 else -1 for size, count in zip(sizes, times, strict=True)]
    if any(count > 1 for count in single):
        path = tracer.step(node, "expand", [path], {"sizes": single}, "expand")
    for axis, count in enumerate(times, 1):
        if count > 1 and single[axis - 1] == -1:
            if count > MAX_COPIES:
                raise Refusal(f"it repeats an axis {count} times; at most {MAX_COPIES} copies are joined")
            path = tracer.step(node, "concat", [path] * count, {"dim": axis}, "copies")
    return path


def repeat(tracer: Tracer, node: Any) -> str:
    """Copies of a value along its axes."""
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    batch, *times = given.repeats
    if batch != 1 or len(times) != len(tracer.sizes(path)):
        raise Refusal("it repeats the batch, or adds an axis before it")
    if 0 in times:
        raise Refusal("its result is empty")
    return copies(tracer, node, path, times)


def gather(tracer: Tracer, node: Any) -> str:
    """`x[:, places]` and `index_select`, with constant places."""
    axis, places = places_of(node)
    path = tracer.data(CallArguments(node).get("self"))
    return gather_entries(tracer, node, path, axis % (len(tracer.sizes(path)) + 1), places)


def places_of(node: Any) -> tuple[int, Any]:
    """The axis along which a call gathers, and the places. Raises `Refusal`."""
    given = CallArguments(node)
    if op_name(node) == "index_select":
        return given.dim, given.index
    places = list(given.indices)
    used = [axis for axis, value in enumerate(places) if value is not None]
    if len(used) != 1:
        raise Refusal("it gathers along several axes at once, which has no counterpart in a spec")
    return used[0], places[used[0]]


def gather_entries(tracer: Tracer, node: Any, path: str, dim: int, places: Any) -> str:
    """Entries of an axis at constant places: a slice, a channel shuffle, or slices joined. Raises `Refusal`."""
    sizes = tracer.sizes(path)
    if dim == 0:
        raise Refusal("it gathers samples of the batch")
    if not tracer.is_constant(places):
        raise Refusal("it gathers at computed places; a spec has constant ones")
    array = tracer.array(places)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise Refusal("it gathers at places that are not a list of whole numbers")
    size = sizes[dim - 1]
    chosen = [int(place) % size for place in array]
    if chosen == list(range(size)):
        return path
    groups = _shuffled(chosen)
    if groups and dim == 1 and len(chosen) == size and tracer.net.type_of(path).is_feature_map:
        return tracer.add(node, "channel_shuffle", [path], {"groups": groups})
    pieces = _runs(chosen)
    if len(pieces) > MAX_PIECES:
        raise Refusal(f"it gathers {len(pieces)} separate pieces; at most {MAX_PIECES} are written as slices")
    bounds = [{"dim": dim, "start": p[0], "stop": p[-1] + 1, "step": p[1] - p[0] if len(p) > 1 else 1} for p in pieces]
    if len(bounds) == 1:
        return tracer.add(node, "slice", [path], bounds[0])
    parts = [tracer.step(node, "slice", [path], one, "part") for one in bounds]
    return tracer.add(node, "concat", parts, {"dim": dim})


def _shuffled(places: list[int]) -> int:
    """Number of groups whose channel shuffle has these places; 0 if there is none."""
    step = places[1] - places[0] if len(places) > 1 else 0
    if step < 2 or len(places) % step:
        return 0
    groups = len(places) // step
    order = [row * step + column for column in range(step) for row in range(groups)]
    return groups if groups > 1 and order == places else 0


def _runs(places: list[int]) -> list[list[int]]:
    """Places in pieces that rise by equal steps."""
    runs: list[list[int]] = []
    for place in places:
        last = runs[-1] if runs else None
        rises = last is not None and place > last[-1]
        if last is not None and rises and (len(last) == 1 or place - last[-1] == last[1] - last[0]):
            last.append(place)
        else:
            runs.append([place])
    return runs


def expand(tracer: Tracer, node: Any, path: str, wanted: list[int]) -> str:
    """A value with axes of one entry, as often as wanted along each; further axes come in front."""
    sizes = tracer.sizes(path)
    if len(wanted) > len(sizes):
        sizes = [1] * (len(wanted) - len(sizes)) + sizes
        path = tracer.step(node, "reshape", [path], {"shape": sizes}, "wide")
    if prod(wanted) == 0:
        raise Refusal("its result is empty")
    times = [want // size for size, want in zip(sizes, wanted, strict=True)]
    return copies(tracer, node, path, times)


def copied(tracer: Tracer, node: Any) -> Any:
    """`a[:] = b`: what is read afterwards is `b`. Raises `Refusal` for a `b` of another shape or type."""
    target, source = (value.meta["val"] for value in node.args[:2])
    if not tracer.is_data(node.args[1]):
        raise Refusal("it writes a constant into a value; a spec changes nothing in place")
    if target.shape != source.shape or target.dtype != source.dtype:
        raise Refusal("it writes values of another shape or type into a value; a spec changes nothing in place")
    return tracer.values[node.args[1]]


HANDLERS: dict[str, Handler] = {
    "copy_": copied,
    **dict.fromkeys(FILLS, filled),
    **dict.fromkeys(("cat", "concat"), cat),
    "stack": stack,
    "unbind": unbind,
    "repeat": repeat,
    "index_select": gather,
    "index": gather,
}
