"""An `einsum` of two values: a matrix product between permutations and reshapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from specgraph.importers.flat import Refusal
from specgraph.importers.placed import ON_BATCH, Placed, settled

INSIDE = ("before the batch", "after the batch")
"""The axes that are joined with the batch."""
Step = Callable[[str, list[str], dict[str, object], str], str]
"""Adds a node: its op, inputs, arguments and label; its path."""


def terms_of(equation: str) -> list[list[str]]:
    """The axes of each operand and of the result. Raises `Refusal`."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    if not arrow or "." in equation:
        raise Refusal("an einsum without a result, or with an ellipsis, has no counterpart in a spec")
    terms = [list(term) for term in (*inputs.split(","), output)]
    if len(terms) != 3 or any(len(set(term)) < len(term) for term in terms):
        raise Refusal("an einsum of other than two values, each with distinct axes, has no counterpart in a spec")
    return terms


def batch_of(terms: Sequence[Sequence[str]], axes: Mapping[int, int]) -> str:
    """The axis that is the batch, which the computed operands have at `axes`. Raises `Refusal`."""
    batches = {terms[operand][axis] for operand, axis in axes.items()}
    if len(batches) != 1 or not batches <= set(terms[-1]):
        raise Refusal(ON_BATCH)
    return batches.pop()


def common_place(
    terms: Sequence[Sequence[str]], batch: str, places: Mapping[int, Placed], sizes: Mapping[int, Sequence[int]]
) -> Placed:
    """The place of one of the computed operands, of which `sizes` are those of the nodes. Raises `Refusal` unless all
    have the same axes joined with the batch, and a constant has no axis for them."""
    place = next(iter(places.values()))
    inside = {(found.before, found.after, found.inside(sizes[index])) for index, found in places.items()}
    constants = [term for index, term in enumerate(terms[:-1]) if index not in places]
    if len(inside) != 1 or ((place.before or place.after) and any(batch in term for term in constants)):
        raise Refusal("it joins values of which other axes are joined with the batch")
    return place


def product_of(
    terms: Sequence[Sequence[str]],
    batch: str,
    size: Mapping[str, int],
    paths: Sequence[str],
    step: Step,
    place: Placed | None = None,
) -> str | Placed:
    """`…ab,…bc->…ac` in any order of axes, of two nodes whose axes are those of the terms without the batch's. What is
    joined with the batch in `place`, of the computed operands, is an axis before it and one after it, whose sizes are
    under `INSIDE`."""
    joined = place or Placed("", 0)
    parts = [name for name, is_there in zip(INSIDE, (joined.before, joined.after), strict=True) if is_there]
    inside = [[part for axis in term for part in (parts if axis == batch else [axis])] for term in terms]
    left, right, result = inside
    if any(axis not in (*right, *result) for axis in left) or any(axis not in (*left, *result) for axis in right):
        raise Refusal("an einsum that sums over an axis of one value alone has no counterpart in a spec")
    lead = [axis for axis in left if axis in right and axis in result]
    inner = [axis for axis in left if axis in right and axis not in result]
    rows = [axis for axis in left if axis not in right]
    columns = [axis for axis in right if axis not in left]

    def laid(path: str, axes: list[str], order: Sequence[list[str]]) -> str:
        path = _permuted(path, axes, [axis for group in order for axis in group], step)
        before = [size[axis] for group in order for axis in group]
        return _reshaped(path, before, [*_sizes(order[0]), *(prod(_sizes(group)) for group in order[1:])], step)

    def _sizes(axes: list[str]) -> list[int]:
        return [size[axis] for axis in axes]

    operands = [laid(paths[0], left, (lead, rows, inner)), laid(paths[1], right, (lead, inner, columns))]
    product = step("matmul", operands, {}, "matmul")
    apart = [*lead, *rows, *columns]
    whole = [*_sizes(lead), prod(_sizes(rows)), prod(_sizes(columns))]
    path = _permuted(_reshaped(product, whole, _sizes(apart), step), apart, result, step)
    return settled(Placed(path, list(terms[-1]).index(batch), joined.before, joined.after))


def _permuted(path: str, axes: list[str], wanted: list[str], step: Step) -> str:
    if axes == wanted:
        return path
    return step("permute", [path], {"dims": [0, *(axes.index(axis) + 1 for axis in wanted)]}, "permute")


def _reshaped(path: str, before: list[int], shape: list[int], step: Step) -> str:
    return path if before == shape else step("reshape", [path], {"shape": shape}, "reshape")
