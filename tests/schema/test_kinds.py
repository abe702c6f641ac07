"""Kinds of value: what they say they take is what they take, and no message outgrows its reader."""

from __future__ import annotations

from typing import Any

import pytest

from specgraph.kinds.invalid import Invalid
from specgraph.kinds.kinds import Int, Kind, Number
from specgraph.kinds.shown import show
from tests.helpers import check_nodes, check_text

DOUBLED: list[Any] = [1, 1]
for _ in range(14):
    DOUBLED = [DOUBLED, DOUBLED]

# A kind, how it calls itself, a value that it refuses.
WORDS: list[tuple[Kind, str, Any]] = [
    (Number(), "a number", "x"),
    (Number(0), "a number of at least 0", -1),
    (Number(0, 1), "a number from 0 to 1", 2),
    (Number(maximum=1), "a number of at most 1", 2),
    (Number(above=0), "a number above 0", 0),
    (Number(below=1), "a number below 1", 1),
    (Number(above=0, below=1), "a number above 0 and below 1", 1),
    (Number(above=0, maximum=1), "a number above 0 and at most 1", 1.5),
    (Number(0, below=1), "a number of at least 0 and below 1", 1),
    (Int(1), "a positive integer", 0),
    (Int(2, 4), "an integer from 2 to 4", 5),
]


@pytest.mark.parametrize(("kind", "words", "refused"), WORDS, ids=[words for _, words, _ in WORDS])
def test_words_name_every_bound(kind: Kind, words: str, refused: Any) -> None:
    with pytest.raises(Invalid, match=f"must be {words}, not "):
        kind.check(refused)


def test_a_share_of_the_area_has_both_bounds_in_the_message() -> None:
    report = check_text(
        "specgraph: 1\ninputs: {image: [3, 32, 32]}\nnodes: [global_avg_pool, flatten]\n"
        "recipes: {r: {data: {name: cifar10, augment: [{random_resized_crop: {scale: [0.5, 1.5]}}]}}}\n"
    )
    assert any("must be a number above 0 and at most 1, not 1.5" in d.message for d in report.diagnostics)


# A value, and how it is shown.
SHOWN: list[tuple[Any, str]] = [
    (True, "true"),
    (None, "nothing"),
    ([1, [2, "a"]], "[1, [2, a]]"),
    ({"a": [1], "b": {}}, "{a: [1], b: {}}"),
    ([], "[]"),
    (list(range(31)), f"[{', '.join(map(str, range(30)))}, …]"),
    ([[i, i] for i in range(20)], f"[{', '.join(f'[{i}, {i}]' for i in range(20))}]"),
    ("x" * 61, "x" * 57 + "..."),
]


@pytest.mark.parametrize(("value", "text"), SHOWN)
def test_values_as_an_author_writes_them(value: Any, text: str) -> None:
    assert show(value) == text


@pytest.mark.parametrize("value", [DOUBLED, {"a": DOUBLED}, [{"k" * 99: ["t" * 99] * 99}] * 99])
def test_what_is_shown_ends_however_deep_it_is(value: Any) -> None:
    assert len(show(value)) < 1300
    assert "…" in show(value)


def test_a_message_about_lists_doubled_many_times_is_short() -> None:
    lists = "a0: [1, 1]" + "".join(f", a{i}: [$a{i - 1}, $a{i - 1}]" for i in range(1, 15))
    report = check_nodes(f"vars: {{{lists}}}\nnodes: [{{op: conv, out_channels: 3, kernel_size: $a14}}]\n")
    (fault,) = [d for d in report.diagnostics if d.severity == "error"]
    assert fault.rule == "invalid-value"
    assert len(fault.message) < 1500
