"""Operations on the values of expressions. Each result is bounded; each fault names its place.

Values: integers within ±2^63, finite floats, booleans, text, lists, mappings with text keys.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from threading import local
from typing import Any

from specgraph.expressions.errors import RULE, ExpressionError
from specgraph.kinds.kinds import MAX_MAGNITUDE

MAX_ITEMS = 10_000
MAX_TEXT = 10_000
MAX_WORK = 5_000_000
FREE_ITEMS = 64
ENTERING = 2
"""Items that entering a collection inside another one counts for."""
SHOWN = 40

Evaluator = Callable[[Any], Any]


class _Work(local):
    """What is left to go through, in each thread for the check that it runs."""

    left = MAX_WORK


_work = _Work()


def renew_work() -> None:
    """Begin anew to count the items of long lists that expressions go through."""
    _work.left = MAX_WORK


def spend(num_items: int, start: int = 0, end: int = 0) -> None:
    """Count the items of a long list that is gone through; short ones are free.

    Raises `ExpressionError` once a check has gone through too many: lists multiplied by repeats.
    """
    if num_items > FREE_ITEMS:
        _charge(num_items, start, end)


def _charge(num_items: int, start: int, end: int) -> None:
    _work.left -= num_items
    if _work.left < 0:
        message = f"expressions go through more than {MAX_WORK:,} items of long lists"
        raise ExpressionError(message, start, end, RULE, "compute the value once, in a variable of the file")


def kind_of(value: Any) -> str:
    """A value's type in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    return "nothing" if value is None else "something unknown"


def as_text(value: Any) -> str:
    """A value inside text: as the author would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def shown(value: Any) -> str:
    """A value in a message."""
    if isinstance(value, (list, dict)):
        return f"{kind_of(value)} of {len(value)}"
    text = as_text(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def fail(message: str, start: int, end: int, help: str | None = None) -> ExpressionError:
    """An expression that cannot be evaluated."""
    return ExpressionError(message, start, end, RULE, help)


def bounded(value: Any, start: int, end: int) -> Any:
    """`value`, if it is not too large. Raises `ExpressionError`."""
    kind = type(value)
    if kind is int:
        if -MAX_MAGNITUDE <= value <= MAX_MAGNITUDE:
            return value
        raise ExpressionError("the result is beyond ±2^63", start, end, RULE)
    if kind is float:
        if math.isfinite(value) and abs(value) <= MAX_MAGNITUDE:
            return value
        what = "not a number" if value != value else "beyond ±2^63"
        raise ExpressionError(f"the result is {what}", start, end, RULE)
    if kind is str and len(value) > MAX_TEXT:
        raise ExpressionError(f"the text is longer than {MAX_TEXT:,} characters", start, end, RULE)
    if kind is list and len(value) > MAX_ITEMS:
        raise ExpressionError(f"the list has more than {MAX_ITEMS:,} items", start, end, RULE)
    return value


def is_number(value: Any) -> bool:
    """Whether a value is an integer or a float (a boolean is neither)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _divide(left: Any, right: Any) -> Any:
    return left / right


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "//": operator.floordiv,
    "%": operator.mod,
}


def arithmetic(sign: str, left: Any, right: Any, start: int, end: int) -> Any:
    """`left sign right`: of numbers; `+` also joins text with text and lists with lists."""
    if is_number(left) and is_number(right):
        if sign in ("/", "//", "%") and right == 0:
            raise fail(f"{shown(left)} {sign} 0: division by zero", start, end)
        try:
            return bounded(ARITHMETIC[sign](left, right), start, end)
        except OverflowError:
            raise ExpressionError("the result is beyond ±2^63", start, end, RULE) from None
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return bounded(left + right, start, end)
    if sign == "+" and isinstance(left, list) and isinstance(right, list):
        spend(len(left) + len(right), start, end)
        return bounded(left + right, start, end)
    if sign == "*":
        for items, count in ((left, right), (right, left)):
            if isinstance(items, (list, str)) and isinstance(count, int) and not isinstance(count, bool):
                most = MAX_ITEMS if isinstance(items, list) else MAX_TEXT
                if len(items) * max(count, 0) > most:
                    bounded_by = "items" if isinstance(items, list) else "characters"
                    message = f"the result has more than {most:,} {bounded_by}"
                    raise ExpressionError(message, start, end, RULE)
                spend(len(items) * max(count, 0), start, end)
                return items * max(count, 0)
    raise fail(f"`{sign}` does not go with {kind_of(left)} and {kind_of(right)}", start, end)


def negative(value: Any, sign: str, start: int, end: int) -> Any:
    """`-value` or `+value`."""
    if not is_number(value):
        raise fail(f"`{sign}` needs a number, not {kind_of(value)}", start, end)
    return bounded(-value, start, end) if sign == "-" else value


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compare(sign: str, left: Any, right: Any, start: int, end: int) -> bool:
    """`left sign right`. `==` and `!=` take anything and never find a boolean equal to a number."""
    if isinstance(right, (list, dict, str)) and isinstance(left, (list, dict, str)):
        spend(min(len(left), len(right)), start, end)
    if sign in ("==", "!="):
        return (left is right or _equal(left, right, start, end)) == (sign == "==")
    if sign in ("in", "not in"):
        if isinstance(right, str) and isinstance(left, str):
            found = left in right
        elif isinstance(right, list):
            spend(len(right), start, end)
            found = any(_all_equal([(left, item)], start, end) for item in right)
        elif isinstance(right, dict):
            found = as_text(left) in right
        else:
            raise fail(f"`{sign}` needs a list or text, not {kind_of(right)}", start, end)
        return found == (sign == "in")
    if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return COMPARISONS[sign](left, right)
    raise fail(f"`{sign}` does not go with {kind_of(left)} and {kind_of(right)}", start, end)


def _equal(left: Any, right: Any, start: int, end: int) -> bool:
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and _all_equal(zip(left, right, strict=True), start, end)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and _all_equal(
            ((value, right[key]) for key, value in left.items()), start, end
        )
    return bool(left == right)


def _all_equal(pairs: Iterable[tuple[Any, Any]], start: int, end: int) -> bool:
    """Whether the values of each pair are equal. Collections among them cost work, however short:
    there are many of them where each holds two others."""
    for left, right in pairs:
        if left is right:
            continue
        if isinstance(left, (list, dict)):
            _charge(len(left) + ENTERING, start, end)
        if not _equal(left, right, start, end):
            return False
    return True


def truth(value: Any, what: str, start: int, end: int) -> bool:
    """A boolean where one is needed."""
    if isinstance(value, bool):
        return value
    hint = "compare it: x > 0" if is_number(value) else None
    raise fail(f"{what} needs true or false, not {kind_of(value)}", start, end, hint)


def item(value: Any, key: Any, start: int, end: int) -> Any:
    """`value[key]`. A mapping's keys are text: a number looks up its text."""
    if isinstance(value, dict):
        text = as_text(key)
        if isinstance(key, (list, dict)) or text not in value:
            known = ", ".join(str(name) for name in list(value)[:20])
            raise fail(f"the mapping has no key `{shown(key)}`", start, end, f"it has {known}" if known else None)
        return value[text]
    if not isinstance(value, (list, str)):
        raise fail(f"{kind_of(value)} cannot be indexed", start, end)
    if isinstance(key, bool) or not isinstance(key, int):
        raise fail(f"an index is an integer, not {shown(key)}", start, end)
    if not -len(value) <= key < len(value):
        raise fail(
            f"index {key} is out of range: {kind_of(value)} of {len(value)}",
            start,
            end,
            f"indices go from 0 to {len(value) - 1}" if value else None,
        )
    return value[key]


def section(value: Any, bounds: tuple[Any, Any, Any], start: int, end: int) -> Any:
    """`value[a:b:c]`."""
    if not isinstance(value, (list, str)):
        raise fail(f"{kind_of(value)} cannot be sliced", start, end)
    for bound in bounds:
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
            raise fail(f"a slice needs integers, not {shown(bound)}", start, end)
    if bounds[2] == 0:
        raise fail("the step of a slice cannot be 0", start, end)
    spend(len(range(*slice(*bounds).indices(len(value)))), start, end)
    return value[slice(*bounds)]


# functions -------------------------------------------------------------------------------------


def _numbers(name: str, arguments: tuple[Any, ...]) -> list[Any]:
    values = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else list(arguments)
    if not values and name != "sum":
        raise ValueError(f"`{name}` of nothing")
    for value in values:
        if not is_number(value):
            raise TypeError(f"`{name}` needs numbers, not {kind_of(value)}")
    return values


def _number(name: str, value: Any) -> Any:
    if not is_number(value):
        raise TypeError(f"`{name}` needs a number, not {kind_of(value)}")
    return value


def _minimum(*arguments: Any) -> Any:
    return min(_numbers("min", arguments))


def _maximum(*arguments: Any) -> Any:
    return max(_numbers("max", arguments))


def _sum(values: Any) -> Any:
    if not isinstance(values, list):
        raise TypeError(f"`sum` needs a list, not {kind_of(values)}")
    return sum(_numbers("sum", (values,)))


def _length(value: Any) -> int:
    if not isinstance(value, (list, dict, str)):
        raise TypeError(f"`len` needs a list or text, not {kind_of(value)}")
    return len(value)


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        return int(value)
    return int(_number("int", value))


def _square_root(value: Any) -> float:
    if _number(math.sqrt.__name__, value) < 0:
        raise ValueError(f"`sqrt` of the negative number {shown(value)}")
    return math.sqrt(value)


def make_divisible(value: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to `value`, at least `divisor` and not more than 10 % below
    `value`: torchvision's rule (from TensorFlow's MobileNet), which decides published widths."""
    _number("make_divisible", value)
    if isinstance(divisor, bool) or not isinstance(divisor, int) or divisor < 1:
        raise TypeError(f"`make_divisible` needs a positive integer as divisor, not {shown(divisor)}")
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "min": (_minimum, 1, 100),
    "max": (_maximum, 1, 100),
    abs.__name__: (lambda value: abs(_number(abs.__name__, value)), 1, 1),
    "round": (lambda value: round(_number("round", value)), 1, 1),
    "floor": (lambda value: math.floor(_number("floor", value)), 1, 1),
    "ceil": (lambda value: math.ceil(_number("ceil", value)), 1, 1),
    "int": (_integer, 1, 1),
    "len": (_length, 1, 1),
    "sum": (_sum, 1, 1),
    math.sqrt.__name__: (_square_root, 1, 1),
    "make_divisible": (make_divisible, 1, 2),
}
"""Name to function, least and most number of arguments."""


def call(name: str, arguments: list[Any], start: int, end: int) -> Any:
    """A function's value."""
    if name in ("sum", "min", "max") and isinstance(arguments[0], list):
        spend(len(arguments[0]), start, end)
    try:
        return bounded(FUNCTIONS[name][0](*arguments), start, end)
    except (TypeError, ValueError) as error:
        raise fail(str(error), start, end) from None
    except OverflowError:
        raise ExpressionError("the result is beyond ±2^63", start, end, RULE) from None
