"""Calls on values whose batch is joined with windows or heads: layers of maps, copies, gathered entries."""

from __future__ import annotations

from math import prod
from typing import Any

from specgraph.importers.flat import Refusal
from specgraph.importers.placed import IN_FRONT, Placed
from specgraph.importers.torch_arguments import CallArguments, spread
from specgraph.importers.torch_copies import copies, gather_entries, places_of
from specgraph.importers.torch_tracer import Handler, Tracer, op_name

NEUTRAL = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
"""What a layer's argument is along an axis on which it does nothing."""
POOLINGS = ("max_pool{}d", "max_pool{}d_with_indices", "avg_pool{}d", "adaptive_avg_pool{}d", "adaptive_max_pool{}d")
LAYERS = {name.format(rank): rank for name in ("conv{}d", *POOLINGS) for rank in (1, 2)}
"""Calls that act on each map by itself, and how many axes of a map they act on."""


class OtherCall:
    """A traced call with other arguments."""

    def __init__(self, node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._node = node
        self.args = args
        self.kwargs = kwargs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)


def with_arguments(node: Any, wanted: dict[str, Any]) -> Any:
    """The call with other values of the arguments of these names."""
    schema = node.target._schema.arguments
    names = [argument.name for argument in schema[: len(node.args)]]
    args = tuple(wanted.get(name, value) for name, value in zip(names, node.args, strict=True))
    rest = {name: value for name, value in wanted.items() if name not in names}
    return OtherCall(node, args, {**node.kwargs, **rest})


def by_volume(tracer: Tracer, node: Any, handler: Handler, place: Placed) -> Any:
    """A layer of maps on maps that are joined with the batch, as the layer of one axis more, which it does not touch:
    windows become the first axis after the channels. Raises `Refusal`."""
    rank = LAYERS[op_name(node)]
    source = node.args[0]
    if place.axis != 0 or len(source.meta["val"].shape) != rank + 2:
        raise Refusal(IN_FRONT)
    sizes = tracer.sizes(place.path)
    count = len(sizes) - rank - 1
    lead = sizes[:count]
    order = [0, count + 1, *range(1, count + 1), *range(count + 2, len(sizes) + 1)]
    path = tracer.step(node, "permute", [place.path], {"dims": order}, "channels")
    if count > 1:
        path = tracer.step(node, "reshape", [path], {"shape": [sizes[count], prod(lead), *sizes[-rank:]]}, "volume")
    before = tracer.values[source]
    try:
        tracer.values[source] = path
        found = handler(tracer, _one_axis_more(tracer, node, rank, prod(lead)))
    finally:
        tracer.values[source] = before
    parts = found if isinstance(found, list) else [found]
    back = [_back(tracer, node, place, part, lead) if isinstance(part, str) else part for part in parts]
    return back if isinstance(found, list) else back[0]


def _one_axis_more(tracer: Tracer, node: Any, rank: int, windows: int) -> Any:
    given = CallArguments(node)
    wanted: dict[str, Any] = {}
    for name, neutral in {**NEUTRAL, "output_size": windows}.items():
        value = given.get(name)
        if value is not None and not isinstance(value, str) and value != []:
            wanted[name] = [neutral, *spread(value, rank)]
    if given.get("weight") is not None:
        outer, inner, *kernel = tracer.tensor(given.weight).shape
        wanted["weight"] = tracer.laid(given.weight, (outer, inner, 1, *kernel))
    return with_arguments(node, wanted)


def _back(tracer: Tracer, node: Any, place: Placed, path: str, lead: list[int]) -> Placed:
    """Windows before the channels again."""
    channels, _, *sizes = tracer.sizes(path)
    if len(lead) > 1:
        path = tracer.step(node, "reshape", [path], {"shape": [channels, *lead, *sizes]}, "windows")
    count = len(lead)
    order = [0, *range(2, count + 2), 1, *range(count + 2, count + 2 + len(sizes))]
    return place._replace(path=tracer.step(node, "permute", [path], {"dims": order}, "back"))


def gathered(tracer: Tracer, node: Any, place: Placed) -> Placed:
    """`x[:, places]` along another axis than the batch's. Raises `Refusal`."""
    axis, places = places_of(node)
    path = gather_entries(tracer, node, place.path, place.own_axis(axis % len(node.args[0].meta["val"].shape)), places)
    return place._replace(path=path)


def interleaved(tracer: Tracer, node: Any, place: Placed) -> Placed:
    """Each entry of an axis several times in a row; along the batch, each sample. Raises `Refusal`."""
    given = CallArguments(node)
    times, source = given.get("repeats"), given.get("self")
    if not isinstance(times, int) or given.get("dim") is None:
        raise Refusal("it repeats entries a number of times of their own, or of all axes as one")
    axis, sizes = given.dim % len(source.meta["val"].shape), tracer.sizes(place.path)
    if times == 1:
        return place
    end = place.own(axis)[-1] + 1 if place.own(axis) else axis
    split = [*sizes[:end], 1, *sizes[end:]]
    path = tracer.step(node, "reshape", [place.path], {"shape": split}, "each")
    path = copies(tracer, node, path, [times if number == end else 1 for number in range(len(split))])
    if axis == place.axis and not place.after:
        return place._replace(path=path, after=True)
    joined = [*sizes[: end - 1], sizes[end - 1] * times, *sizes[end:]]
    return place._replace(path=tracer.add(node, "reshape", [path], {"shape": joined}))
