"""Traced `einsum` of two values: a matrix product between permutations and reshapes."""

from __future__ import annotations

from math import prod
from typing import Any

from specgraph.importers.flat import Refusal
from specgraph.importers.placed import Placed
from specgraph.importers.torch_held import hold
from specgraph.importers.torch_tracer import Handler, Tracer


def einsum(tracer: Tracer, node: Any) -> Any:
    """`…ab,…bc->…ac` in any order of axes; the batch is an axis of each computed value and of the result."""
    terms, operands = _terms(node)
    if len(operands) != 2 or any(len(set(term)) < len(term) for term in terms):
        raise Refusal("an einsum of other than two values, each with distinct axes, has no counterpart in a spec")
    batches = {
        term[_batch(tracer, value)] for term, value in zip(terms, operands, strict=False) if tracer.is_data(value)
    }
    if len(batches) != 1 or not batches <= set(terms[-1]):
        raise Refusal("it acts on the batch axis, which a spec never touches")
    batch = batches.pop()
    left, right, result = ([axis for axis in term if axis != batch] for term in terms)
    size = {
        axis: int(n)
        for term, value in zip(terms, operands, strict=False)
        for axis, n in zip(term, _shape(value), strict=True)
    }
    if any(axis not in (*right, *result) for axis in left) or any(axis not in (*left, *result) for axis in right):
        raise Refusal("an einsum that sums over an axis of one value alone has no counterpart in a spec")
    lead = [axis for axis in left if axis in right and axis in result]
    inner = [axis for axis in left if axis in right and axis not in result]
    rows = [axis for axis in left if axis not in right]
    columns = [axis for axis in right if axis not in left]
    paths = []
    for value, term, order in zip(operands, terms, ([lead, rows, inner], [lead, inner, columns]), strict=False):
        path = _without_batch(tracer, value, term, batch)
        axes = [axis for axis in term if axis != batch]
        wanted = [axis for group in order for axis in group]
        path = _permuted(tracer, node, path, axes, wanted)
        shape = [*(size[axis] for axis in order[0]), *(prod(size[axis] for axis in group) for group in order[1:])]
        paths.append(_reshaped(tracer, node, path, shape))
    found = [*lead, *rows, *columns]
    shape = [size[axis] for axis in found]
    path = tracer.step(node, "matmul", paths, {}, "matmul")
    path = _permuted(tracer, node, _reshaped(tracer, node, path, shape), found, result)
    position = terms[-1].index(batch)
    return path if position == 0 else Placed(path, position)


def _terms(node: Any) -> tuple[list[list[str]], list[Any]]:
    """The axes of each operand and of the result, and the operands. Raises `Refusal`."""
    equation, operands = str(node.args[0]).replace(" ", ""), list(node.args[1])
    inputs, arrow, output = equation.partition("->")
    if not arrow or "." in equation:
        raise Refusal("an einsum without a result, or with an ellipsis, has no counterpart in a spec")
    return [list(term) for term in (*inputs.split(","), output)], operands


def _shape(value: Any) -> Any:
    return value.meta["val"].shape


def _batch(tracer: Tracer, value: Any) -> int:
    place = tracer.values[value]
    if not isinstance(place, Placed):
        return 0
    if place.before or place.after:
        raise Refusal("its batch is joined with another axis")
    return place.axis


def _without_batch(tracer: Tracer, value: Any, term: list[str], batch: str) -> str:
    """Path of an operand, whose axes are those of the term without the batch's."""
    if not tracer.is_data(value):
        return hold(tracer, value, len(term) + (batch not in term))
    place = tracer.values[value]
    return place.path if isinstance(place, Placed) else str(place)


def _permuted(tracer: Tracer, node: Any, path: str, axes: list[str], wanted: list[str]) -> str:
    if axes == wanted:
        return path
    return tracer.step(node, "permute", [path], {"dims": [0, *(axes.index(axis) + 1 for axis in wanted)]}, "permute")


def _reshaped(tracer: Tracer, node: Any, path: str, shape: list[int]) -> str:
    return path if tracer.sizes(path) == shape else tracer.step(node, "reshape", [path], {"shape": shape}, "reshape")


HANDLERS: dict[str, Handler] = {"einsum": einsum}
