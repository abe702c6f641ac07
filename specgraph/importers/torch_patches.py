"""Traced windows as columns, and the larger or smaller of two values."""

from __future__ import annotations

from math import prod
from typing import Any

from specgraph.importers.flat import Refusal
from specgraph.importers.torch_arguments import CallArguments, spread
from specgraph.importers.torch_copies import number_of
from specgraph.importers.torch_held import data_or_held
from specgraph.importers.torch_layers import with_places
from specgraph.importers.torch_ops import bounded
from specgraph.importers.torch_rewrites import largest
from specgraph.importers.torch_tracer import Handler, Tracer

WINDOW = ("kernel_size", "dilation", "padding", "stride")


def columns(op: str, *names: str) -> Handler:
    """`im2col` and `col2im`."""

    def handler(tracer: Tracer, node: Any) -> str:
        given = CallArguments(node)
        arguments = {name: spread(given.get(name), 2) for name in names}
        return tracer.add(node, op, [tracer.data(given.get("self"))], arguments)

    return handler


def along_one_axis(tracer: Tracer, node: Any) -> str:
    """`x.unfold(axis, size, step)`: windows of one axis, whose values are a new last one. Raises `Refusal`."""
    given = CallArguments(node)
    path = tracer.data(given.get("self"))
    sizes = tracer.sizes(path)
    dim = given.dimension % (len(sizes) + 1)
    if dim == 0:
        raise Refusal("it makes windows of the samples of a batch")
    before, length, after = prod(sizes[: dim - 1]), sizes[dim - 1], prod(sizes[dim:])
    if sizes != [before, length, after]:
        path = tracer.step(node, "reshape", [path], {"shape": [before, length, after]}, "map")
    window = {"kernel_size": [given.size, 1], "stride": [given.step, 1]}
    path = tracer.step(node, "unfold", [path], window, "columns")
    count = (length - given.size) // given.step + 1
    path = tracer.step(node, "reshape", [path], {"shape": [before, given.size, count, after]}, "windows")
    path = tracer.step(node, "permute", [path], {"dims": [0, 1, 3, 4, 2]}, "to_last")
    return tracer.add(node, "reshape", [path], {"shape": [*sizes[: dim - 1], count, *sizes[dim:], given.size]})


def extreme(op: str) -> Handler:
    """The larger or smaller of two values, one of which may be a constant."""

    def handler(tracer: Tracer, node: Any) -> str:
        given = CallArguments(node)
        sides = [number_of(tracer, value) for value in (given.get("self"), given.other)]
        values = [side for side in sides if tracer.is_data(side)]
        numbers = [side for side in sides if isinstance(side, int | float)]
        if numbers:
            path = tracer.data(values[0])
            low, high = (numbers[0], None) if op == "maximum" else (None, numbers[0])
            return bounded(tracer, node, path, low, high)
        rank = max(len(tracer.sizes(tracer.data(value))) for value in values) + 1
        return tracer.add(node, op, [data_or_held(tracer, side, rank) for side in sides])

    return handler


def extreme_or(op: str, otherwise: Handler | None) -> Handler:
    """`torch.max` and `torch.min`, of two values or along axes."""

    def handler(tracer: Tracer, node: Any) -> Any:
        if CallArguments(node).get("other") is not None:
            return extreme(op)(tracer, node)
        if otherwise is None:
            raise Refusal("the smallest along axes has no counterpart in a spec")
        return otherwise(tracer, node)

    return handler


HANDLERS: dict[str, Handler] = {
    "im2col": columns("unfold", *WINDOW),
    "col2im": columns("fold", "output_size", *WINDOW),
    "unfold": along_one_axis,
    "maximum": extreme("maximum"),
    "minimum": extreme("minimum"),
    "max": extreme_or("maximum", with_places(largest)),
    "min": extreme_or("minimum", None),
}
