"""What differs between groups that are alike: how the numbers of one argument follow from those of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Multiple(NamedTuple):
    """A number as `factor` times another one, or, with `divides`, as the other one floor-divided by `factor`."""

    factor: int
    divides: bool = False


def multiple_of(values: Sequence[Any], others: Sequence[Any]) -> Multiple | None:
    """How the values follow from the others, instance by instance; None where they do not, where one of the numbers is
    no integer or negative, or where the others are all the same."""
    pairs = list(zip(values, others, strict=True))
    if any(type(v) is not int or type(o) is not int or v < 0 or o <= 0 for v, o in pairs):
        return None
    if len({o for _, o in pairs}) < 2 or not any(v for v, _ in pairs):
        return None
    value, other = max(pairs)
    if value % other == 0 and all(v == o * (value // other) for v, o in pairs):
        return Multiple(value // other)
    divisor = other // value
    if divisor > 1 and all(o // divisor == v for v, o in pairs):
        return Multiple(divisor, divides=True)
    return None
