"""Symbolic sizes: which are equal for every value, which somewhere, and how they are written out."""

from __future__ import annotations

import random

import pytest

from specgraph.graph.dims import Dim, ceil_div, equal_sizes, evaluate, minimum, sizes_of, symbol
from tests.helpers import check_text

H, W = symbol("H"), symbol("W")

# Sizes that agree at every small value of H, and differ further out.
PARTING: list[tuple[Dim, Dim]] = [
    (ceil_div(H, 1100), 1),
    (ceil_div(H, 1100), ceil_div(H, 1200)),
    (minimum(1500, H), H),
    (minimum(1500, H), minimum(1501, H)),
    (minimum(70_000, H), H),
    (H // 5000, 0),
    (H // 5000, H // 6000),
    ((H // 1100 + 1) // 2, 0),
    (W * (H // 1100), 0),
    (H * minimum(3000, W), H * W),
    ((H + 7) // 3000 - (H + 7) // 4000, 0),
]


@pytest.mark.parametrize(("left", "right"), PARTING, ids=str)
def test_sizes_that_part_far_out_are_not_equal(left: Dim, right: Dim) -> None:
    assert all(evaluate(left, {"H": size, "W": 9}) == evaluate(right, {"H": size, "W": 9}) for size in range(1, 1024))
    assert not equal_sizes(left, right)
    assert not equal_sizes(right, left)


def test_equal_sizes_are_those_that_counting_finds_equal() -> None:
    """Random pairs with large constants, against every size up to where all of them have turned."""
    rng = random.Random(8)

    def size() -> Dim:
        divisor, offset = rng.choice([2, 3, 700, 1000, 1400]), rng.choice([-1, 0, 1, 700, 1000])
        floor = (H + offset) // divisor
        return rng.choice(
            [floor, minimum(offset + 2, H), minimum(floor, 2), floor * 2 - floor, H - minimum(divisor, H)]
        )

    num_equal = 0
    for _ in range(1500):
        left, right = size(), size()
        wanted = all(evaluate(left, {"H": value}) == evaluate(right, {"H": value}) for value in range(1, 6000))
        num_equal += wanted
        assert equal_sizes(left, right) == wanted, f"{left} and {right}"
    assert 20 < num_equal < 1000


def test_small_sizes_are_probed_as_before() -> None:
    """Nothing turns beyond the sizes probed one by one: no work is added for ordinary networks."""
    usual = len(list(sizes_of(H)))
    assert len(list(sizes_of((H - 1) // 2 * 2 + 2, H + 1))) == usual
    assert len(list(sizes_of(minimum(200, H) + ceil_div(H, 32), H))) == usual
    assert len(list(sizes_of(minimum(900, H), H))) > usual


@pytest.mark.parametrize(
    ("left", "right", "wanted"),
    [
        (0, H, 0),
        (H, 1, 1),
        (H, H - 3, H - 3),
        (H, H + W, H),
        (H * W, 1, 1),
        (H // 2, 0, 0),
        (2, H, None),
        (H // 2, 1, None),
        (H, W, None),
    ],
    ids=str,
)
def test_a_minimum_that_is_always_one_side_is_that_side(left: Dim, right: Dim, wanted: Dim | None) -> None:
    for found in (minimum(left, right), minimum(right, left)):
        assert found == wanted if wanted is not None else str(found).startswith("min(")


# Nodes behind `image: [3, H, W]` and `other: [3, 1500, W]`, and what is said: rule and a part of message or notes.
SAID: dict[str, tuple[str, tuple[str, str] | None]] = {
    "a stride beyond the probed sizes": (
        "  a: {op: conv, from: image, out_channels: 3, kernel_size: 1, stride: 1100}\n"
        "  g: {op: global_avg_pool, from: image}\n  j: {op: concat, from: [a, g]}\n",
        ("size-dependent-join", "they agree up to H = 1100"),
    ),
    "a slice beyond them": (
        "  a: {op: slice, from: image, dim: 2, stop: 1500}\n  j: {op: add, from: [a, image]}\n",
        ("size-dependent-join", "min(1500, H) and H; they agree up to H = 1500"),
    ),
    "a slice within them": (
        "  a: {op: slice, from: image, dim: 2, stop: 900}\n  j: {op: add, from: [a, image]}\n",
        ("size-dependent-join", "min(900, H) and H; they agree up to H = 900"),
    ),
    "a slice and its like": (
        "  a: {op: slice, from: image, dim: 2, stop: 1500}\n  b: {op: slice, from: image, dim: 2, stop: 1500}\n"
        "  j: {op: add, from: [a, b]}\n",
        None,
    ),
    "a fixed size": (
        "  j: {op: add, from: [image, other]}\n",
        ("size-dependent-join", "they agree only for H = 1500"),
    ),
    "a window beyond them": ("  a: {op: conv, from: image, out_channels: 3, kernel_size: [1500, 1]}\n", None),
    "what is left behind a long slice": ("  a: {op: slice, from: image, dim: 2, start: 1400}\n", None),
    "two fixed sizes": (
        "  a: {op: add, from: [image, other]}\n  b: {op: slice, from: other, dim: 2, stop: 1400}\n"
        "  c: {op: add, from: [image, b]}\n",
        ("no-possible-size", "no value of H, W makes H == 1400"),
    ),
}


@pytest.mark.parametrize("case", SAID, ids=str)
def test_what_is_said_of_sizes_far_out(case: str) -> None:
    nodes, wanted = SAID[case]
    inputs = "inputs: {image: [3, H, W], other: [3, 1500, W]}\n"
    report = check_text(f"specgraph: 1\n{inputs}nodes:\n{nodes}")
    found = [(d.rule, "; ".join([d.message, *d.notes])) for d in report.diagnostics if d.rule != "unused-input"]
    found = [(rule, text) for rule, text in found if rule != "smallest-input-size"]
    if wanted is None:
        assert found == []
    else:
        ((rule, text),) = found
        assert rule == wanted[0]
        assert wanted[1] in text
