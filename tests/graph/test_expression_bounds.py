"""The expression language: bounds on everything, and nothing runs as Python."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from specgraph.expressions import values as expression_values
from specgraph.expressions.templates import ExpressionError
from specgraph.expressions.values import MAX_WORK, compare, renew_work, spend
from tests.graph.expressions import UnknownName, evaluate, fault


@pytest.mark.parametrize(
    "text",
    [
        "$(9223372036854775807 * 9)",
        "$(9223372036854775809)",
        "$(1e400)",
        "$(1e300 * 1e300)",
        "$(0 - 1e19)",
        "$(int(1e18) * 100)",
        "$('x' * 1000000000)",
        "$(s * 1000000000)",
        "$([0] * 1000000000)",
        "$(('x' * 9000) + ('y' * 9000))",
        "$(([0] * 9000) + ([0] * 9000))",
        "$(" + "(" * 100 + "1" + ")" * 100 + ")",
        "$(" + "-" * 500 + "1)",
        "$(" + "[" * 200 + "]" * 200 + ")",
        "$(" + "not " * 200 + "true)",
        "$(1" + " + 1" * 1000 + ")",
        "$(" + "1 if yes else " * 60 + "2)",
        "$('" + "x" * 2000 + "')",
    ],
)
def test_bounds(text: str) -> None:
    fault(text)


def doubled(levels: int) -> list[Any]:
    """A list of two of the same list, of two of the same list, … of two ones."""
    value: list[Any] = [1, 1]
    for _ in range(levels):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("left", "right", "sign"),
    [
        (doubled(9), doubled(9), "=="),
        ({"a": doubled(9)}, {"a": doubled(9)}, "!="),
        ([doubled(9)], doubled(9), "in"),
        ([[1] * 60] * 60, [1] * 59 + [2], "in"),
        ({str(i): i for i in range(900)}, {str(i): i for i in range(900)}, "=="),
    ],
    ids=["lists", "mappings", "inside a list", "short lists in a short list", "a long mapping"],
)
def test_what_a_comparison_walks_through_is_counted(
    left: Any, right: Any, sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same comparison again and again, as in a repeat, ends by the limit on work."""
    monkeypatch.setattr(expression_values, "MAX_WORK", 50_000)
    renew_work()
    sides = (right, left) if sign == "in" else (left, right)
    with pytest.raises(ExpressionError, match="more than 50,000 items"):
        any(compare(sign, *sides, 0, 1) and False for _ in range(2000))
    monkeypatch.undo()
    renew_work()


def test_a_value_is_equal_to_itself_at_once() -> None:
    renew_work()
    value = doubled(40)
    assert compare("==", value, value, 0, 1)
    assert compare("in", value, [value], 0, 1)


def test_each_thread_counts_its_own_work() -> None:
    renew_work()
    with pytest.raises(ExpressionError):
        spend(MAX_WORK + 1)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(spend, MAX_WORK).result()
        pool.submit(renew_work).result()
    with pytest.raises(ExpressionError):
        spend(100)
    renew_work()


def test_interpolated_text_is_bounded() -> None:
    name = "$(s * 2000)"
    with pytest.raises(ExpressionError, match="longer than"):
        evaluate(name * 3)


def test_long_chains_within_the_bounds_work() -> None:
    assert evaluate("$(" + " + ".join(["1"] * 240) + ")") == 240
    assert evaluate("$(a" + "[0]" * 0 + ")") == 3
    with pytest.raises(ExpressionError):
        evaluate("$(items" + "[0:]" * 240 + "[9])")


class TestNothingRunsAsPython:
    @pytest.mark.parametrize(
        "text",
        [
            "$(__import__('os').system('true'))",
            "$(a.__class__.__mro__)",
            "$(().__class__)",
            "$([x for x in items])",
            "$((lambda: 1)())",
            "$(f'{a}')",
            "$(items.__len__())",
            "$(open('/etc/passwd'))",
            "$(eval('1'))",
            "$(a := 1)",
            "$({1: 2})",
            "$(a; b)",
            "$(`ls`)",
            "$('%s' % a)",
            "$('{0.__class__}'.format(a))",
        ],
    )
    def test_escapes_known_from_other_evaluators(self, text: str) -> None:
        with pytest.raises((ExpressionError, UnknownName)):
            evaluate(text)
