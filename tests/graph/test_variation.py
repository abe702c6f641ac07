"""How the numbers of one argument follow from another's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specgraph.graph.variation import Multiple, multiple_of


@given(st.lists(st.integers(1, 512), min_size=2), st.integers(1, 9))
def test_a_multiple_is_found(others: list[int], factor: int) -> None:
    found = multiple_of([factor * other for other in others], others)
    assert found == (Multiple(factor) if len(set(others)) > 1 else None)


@given(st.lists(st.tuples(st.integers(0, 64), st.integers(1, 64)), min_size=2))
def test_what_is_found_holds(pairs: list[tuple[int, int]]) -> None:
    values, others = [value for value, _ in pairs], [other for _, other in pairs]
    found = multiple_of(values, others)
    if found is not None:
        assert values == [o // found.factor if found.divides else o * found.factor for o in others]


@pytest.mark.parametrize(
    ("values", "others", "found"),
    [
        ([8, 16, 32], [32, 64, 128], Multiple(4, divides=True)),
        ([1, 2], [3, 4], Multiple(2, divides=True)),
        ([1, 2], [1, 8], None),
        ([2, 4], [1, 3], None),
        ([2, 2], [1, 1], None),
        ([0, 0], [1, 2], None),
        ([2, 4], [1.0, 2.0], None),
        ([-2, 4], [-1, 2], None),
        ([True, 4], [1, 4], None),
    ],
)
def test_cases(values: list[Any], others: list[Any], found: Multiple | None) -> None:
    assert multiple_of(values, others) == found
