"""Traced `einsum`."""

from __future__ import annotations

from typing import Any

from specgraph.importers.einsum import INSIDE, batch_of, common_place, product_of, terms_of
from specgraph.importers.placed import Placed
from specgraph.importers.torch_held import hold
from specgraph.importers.torch_tracer import Handler, Tracer


def einsum(tracer: Tracer, node: Any) -> Any:
    """Of two values; the batch is an axis of each computed one and of the result."""
    terms, operands = terms_of(str(node.args[0])), list(node.args[1])
    places = {index: _place(tracer, value) for index, value in enumerate(operands) if tracer.is_data(value)}
    batch = batch_of(terms, {index: place.axis for index, place in places.items()})
    size = {
        axis: int(n)
        for term, value in zip(terms, operands, strict=False)
        for axis, n in zip(term, value.meta["val"].shape, strict=True)
    }
    sizes = {index: tracer.sizes(place.path) for index, place in places.items()}
    place = common_place(terms, batch, places, sizes)
    size |= dict(zip(INSIDE, place.inside(next(iter(sizes.values()))), strict=True))
    paths = [_without_batch(tracer, value, term, batch) for value, term in zip(operands, terms, strict=False)]

    def step(op: str, inputs: list[str], arguments: dict[str, Any], label: str) -> str:
        return tracer.step(node, op, inputs, arguments, label)

    return product_of(terms, batch, size, paths, step, place)


def _place(tracer: Tracer, value: Any) -> Placed:
    place = tracer.values[value]
    return place if isinstance(place, Placed) else Placed(str(place), 0)


def _without_batch(tracer: Tracer, value: Any, term: list[str], batch: str) -> str:
    """Path of an operand, whose axes are those of the term without the batch's."""
    if not tracer.is_data(value):
        return hold(tracer, value, len(term) + (batch not in term))
    return _place(tracer, value).path


HANDLERS: dict[str, Handler] = {"einsum": einsum}
