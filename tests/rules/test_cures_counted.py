"""Cures of kinds that other tables hold once or twice, in further networks."""

from __future__ import annotations

import pytest

from tests.helpers import check_text
from tests.rules import cures_counted_cases, cures_strided_cases
from tests.rules.cured import assert_cured

CASES = cures_counted_cases.CASES | cures_strided_cases.CASES


@pytest.mark.parametrize("name", CASES)
def test_the_cure_is_what_was_meant(name: str) -> None:
    assert_cured(CASES[name])


def test_sizes_that_read_the_same_are_listed_in_their_order() -> None:
    """A map is shown with its channels last: tokens of the same sizes would look alike."""
    nodes = "  t: {op: permute, dims: [0, 2, 1]}\n  j: {op: concat, from: [image, t], dim: 1}\n"
    (found,) = check_text(f"specgraph: 1\ninputs: {{image: [12, 20]}}\nnodes:\n{nodes}").diagnostics
    assert found.message.endswith("`image` is [12, 20], `t` is [20, 12]")
