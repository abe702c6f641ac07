"""Kinds of value: what an argument or a field may be, said once.

A kind checks a plain value, brings it to its canonical form, describes itself in words (for
messages and docs), and gives its JSON Schema. Op arguments and recipe fields are declared with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from specgraph.diagnostics.names import certainty, nearest
from specgraph.kinds.invalid import MOST_FAULTS, Invalid, raise_all
from specgraph.kinds.shown import show

MAX_MAGNITUDE = 2**63


LOOKS_TYPED = re.compile(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?|true|false|null|~|")
"""Text that looks like something else in a message."""
NUMBER = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,15})?(e[-+]?[0-9]{1,2})?")
GROUPED = re.compile(r"[-+]?[0-9]{1,6}(_[0-9]{1,6}){1,4}")
"""`1_000`, as Python and YAML 1.1 have it."""
THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3}){1,4}")
DECIMAL_COMMA = re.compile(r"[-+]?0,[0-9]{1,15}")
YES, NO = ("true", "yes", "on", "y", "1"), ("false", "no", "off", "n", "0", "none", "null")
ABSENT = ("none", "null")
SIZES = re.compile(r"[0-9]{1,9}(\s*[x×]\s*[0-9]{1,9}){1,2}|[\[(]\s*[0-9]{1,9}(\s*,\s*[0-9]{1,9}){0,2}\s*,?\s*[\])]")
"""`3x3`, `(3, 3)`, `[3, 3]`."""


class Kind:
    """Base of all kinds."""

    words = "a value"

    def check(self, value: Any) -> Any:
        """The canonical form of `value`. Raises `Invalid`."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """JSON Schema (draft-07) of what `check` accepts, expressions aside."""
        raise NotImplementedError

    def fail(self, value: Any) -> Invalid:
        text_alike = isinstance(value, str) and LOOKS_TYPED.fullmatch(value)
        fault = Invalid(f"must be {self.words}, not " + (f'the text "{value}"' if text_alike else show(value)))
        if isinstance(value, str):
            fault.meant = next((read for read in self.read(value) if accepts(self, read)), None)
        return fault

    def read(self, text: str) -> Iterator[Any]:
        """What a text may stand for."""
        lower = text.strip().lower()
        if GROUPED.fullmatch(lower):
            lower = lower.replace("_", "")
        if lower in ("true", "false"):
            yield lower == "true"
        elif NUMBER.fullmatch(lower):
            yield float(lower) if set(lower) & set(".e") else int(lower)
        elif SIZES.fullmatch(lower):
            sizes = [int(size) for size in re.findall("[0-9]+", lower)]
            if len(set(sizes)) == 1:
                yield sizes[0]
            yield sizes
        elif lower != text:
            yield lower


class Int(Kind):
    """An integer within bounds; a float with an integer value is taken as that integer."""

    def __init__(self, minimum: int | None = None, maximum: int | None = None) -> None:
        self.minimum = minimum
        self.maximum = maximum
        self.words = _bounded("an integer", minimum, maximum, integer=True)

    def check(self, value: Any) -> int:
        if isinstance(value, float) and value.is_integer() and abs(value) < MAX_MAGNITUDE:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= MAX_MAGNITUDE:
            raise self.fail(value)
        if self.minimum is not None and value < self.minimum:
            raise self.fail(value)
        if self.maximum is not None and value > self.maximum:
            raise self.fail(value)
        return value

    def read(self, text: str) -> Iterator[Any]:
        """Also a number in groups of three digits."""
        if THOUSANDS.fullmatch(text):
            yield int(text.replace(",", ""))
        yield from super().read(text)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", **_schema_bounds(self.minimum, self.maximum)}


class Number(Kind):
    """A finite real number within bounds (`above`/`below` exclusive)."""

    def __init__(
        self,
        minimum: float | None = None,
        maximum: float | None = None,
        above: float | None = None,
        below: float | None = None,
    ) -> None:
        self.minimum, self.maximum, self.above, self.below = minimum, maximum, above, below
        words = _bounded("a number", minimum, maximum)
        if above is not None:
            words = "a number above " + show(above) + ("" if maximum is None else f" and at most {show(maximum)}")
        if below is not None:
            words += (" and below " if above is not None or minimum is not None else " below ") + show(below)
        self.words = words

    def check(self, value: Any) -> float | int:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) < math.inf:
            raise self.fail(value)
        if isinstance(value, int) and abs(value) > MAX_MAGNITUDE:
            raise self.fail(value)
        if (
            (self.minimum is not None and value < self.minimum)
            or (self.maximum is not None and value > self.maximum)
            or (self.above is not None and value <= self.above)
            or (self.below is not None and value >= self.below)
        ):
            raise self.fail(value)
        return value

    def read(self, text: str) -> Iterator[Any]:
        """Also a number below 1 with a decimal comma."""
        if DECIMAL_COMMA.fullmatch(text):
            yield float(text.replace(",", "."))
        yield from super().read(text)

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "number", **_schema_bounds(self.minimum, self.maximum)}
        if self.above is not None:
            schema["exclusiveMinimum"] = self.above
        if self.below is not None:
            schema["exclusiveMaximum"] = self.below
        return schema


class Bool(Kind):
    """true or false."""

    words = "true or false"

    def fail(self, value: Any) -> Invalid:
        """The fault, with what 0 and 1 mean in other tools."""
        fault = super().fail(value)
        if value in (0, 1) and isinstance(value, int | float):
            fault.meant = bool(value)
        fault.unsure = isinstance(value, str) and value.strip().lower() in ABSENT
        return fault

    def read(self, text: str) -> Iterator[Any]:
        """What a text may stand for; YAML 1.1 has more words for the two."""
        word = text.strip().lower()
        if word in YES or word in NO:
            yield word in YES
        yield from super().read(text)

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.fail(value)
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Text(Kind):
    """Any text."""

    words = "text"

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.fail(value)
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


class Choice(Kind):
    """One of a few words. `elsewhere` is what they are called in other tools."""

    def __init__(self, *options: str, elsewhere: dict[Any, str] | None = None) -> None:
        self.options = options
        self.elsewhere = elsewhere or {}
        self.words = f"one of {', '.join(options)}" if len(options) > 1 else options[0]

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.options:
            raise self.fail(value)
        return value

    def fail(self, value: Any) -> Invalid:
        """The fault, with the word that is meant by another tool's, or by one that is misspelt."""
        fault = super().fail(value)
        word = value.strip().lower() if isinstance(value, str) else value
        word = {"true": True, "false": False}.get(word, word) if isinstance(word, str) else word
        if isinstance(value, str | int | float) and word in self.elsewhere:
            fault.meant = self.elsewhere[word]
        elif isinstance(value, str) and fault.meant is None and (close := nearest(value, self.options)) is not None:
            fault.meant, fault.unsure = close, certainty(value, close, self.options) != "safe"
        return fault

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.options)}


class ListOf(Kind):
    """A list of values of one kind, with a bounded length."""

    def __init__(self, item: Kind, minimum: int = 0, maximum: int | None = None) -> None:
        self.item, self.minimum, self.maximum = item, minimum, maximum
        length = f" of {minimum}" if minimum == maximum else f" of at least {minimum}" if minimum else ""
        self.words = f"a list{length}, each {item.words}"

    def check(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)) or len(value) < self.minimum:
            raise self.fail(value)
        if self.maximum is not None and len(value) > self.maximum:
            raise self.fail(value)
        faults: list[Invalid] = []
        checked = []
        for index, item in enumerate(value):
            try:
                checked.append(nested(self.item, item, index))
            except Invalid as fault:
                faults.append(fault)
                if len(faults) == MOST_FAULTS:
                    break
        raise_all(faults)
        return tuple(checked)

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "array", "items": self.item.schema()}
        if self.minimum:
            schema["minItems"] = self.minimum
        if self.maximum is not None:
            schema["maxItems"] = self.maximum
        return schema


class Bounds(ListOf):
    """A least and a greatest value, in this order."""

    def __init__(self, item: Kind) -> None:
        super().__init__(item, 2, 2)
        self.words = f"[least, greatest], each {item.words}"

    def check(self, value: Any) -> tuple[Any, ...]:
        checked = super().check(value)
        if checked[0] > checked[1]:
            raise self.fail(value)
        return checked


class Either(Kind):
    """A value of the first kind that takes it."""

    def __init__(self, *kinds: Kind, words: str | None = None) -> None:
        self.kinds = kinds
        self.words = words or " or ".join(kind.words for kind in kinds)

    def check(self, value: Any) -> Any:
        deepest, told = None, Invalid("")
        for kind in self.kinds:
            try:
                return kind.check(value)
            except Invalid as fault:
                told = fault if told.meant is None and not fault.path else told
                if (fault.path and (deepest is None or len(fault.path) > len(deepest.path))) or (
                    fault.rule != "invalid-value" and deepest is None
                ):
                    deepest = fault
        own = self.fail(value)
        if own.meant is None:
            own.meant, own.unsure = told.meant, told.unsure
        raise deepest or own

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [kind.schema() for kind in self.kinds]}


class PerAxis(Kind):
    """One value for all spatial axes, or a list with one for each (its length is checked against
    the input's rank when shapes are inferred)."""

    def __init__(self, item: Kind) -> None:
        self.item = item
        self.words = f"{item.words}, or a list with one for each spatial axis"

    def check(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            if not 1 <= len(value) <= 3:
                raise self.fail(value)
            return tuple(nested(self.item, item, index) for index, item in enumerate(value))
        try:
            return self.item.check(value)
        except Invalid:
            raise self.fail(value) from None

    def schema(self) -> dict[str, Any]:
        item = self.item.schema()
        return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1, "maxItems": 3}]}


class Padding(PerAxis):
    """Padding: one amount, one per spatial axis, or [before, after] per axis; `same` where allowed."""

    def __init__(self, *, same: bool = False, minimum: int | None = 0) -> None:
        self.amount = Int(minimum)
        self.same = same
        pair = ListOf(self.amount, 2, 2)
        super().__init__(Either(self.amount, pair, words=f"{self.amount.words} or a [before, after] pair"))
        sides = f"{self.amount.words}, a list with one for each spatial axis, or a list of [before, after] pairs"
        self.words = f"{sides}, or same" if same else sides

    def check(self, value: Any) -> Any:
        if self.same and value == "same":
            return value
        if isinstance(value, (list, tuple)):
            return super().check(value)
        try:
            return self.amount.check(value)
        except Invalid:
            raise self.fail(value) from None

    def read(self, text: str) -> Iterator[Any]:
        """What a text may stand for; `valid` is no padding."""
        if text.strip().lower() == "valid":
            yield 0
        yield from super().read(text)

    def schema(self) -> dict[str, Any]:
        amount = self.amount.schema()
        pair = {"type": "array", "items": amount, "minItems": 2, "maxItems": 2}
        per_axis = {"type": "array", "items": {"anyOf": [amount, pair]}, "minItems": 1, "maxItems": 3}
        options: list[dict[str, Any]] = [amount, per_axis]
        if self.same:
            options.append({"enum": ["same"]})
        return {"anyOf": options}


class Nothing(Kind):
    """The absence of a value, where a field may be switched off."""

    words = "nothing"

    def check(self, value: Any) -> None:
        if value is not None:
            raise self.fail(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "null"}


def accepts(kind: Kind, value: Any) -> bool:
    """Whether a value is of a kind."""
    try:
        kind.check(value)
    except Invalid:
        return False
    return True


def nested(kind: Kind, value: Any, key: str | int) -> Any:
    """The canonical form of the value under `key`; its faults say that they are there."""
    try:
        return kind.check(value)
    except Invalid as fault:
        for each in fault.all():
            each.path = (key, *each.path)
        raise


def _bounded(noun: str, minimum: float | None, maximum: float | None, *, integer: bool = False) -> str:
    if minimum is not None and maximum is not None:
        return f"{noun} from {show(minimum)} to {show(maximum)}"
    if minimum is not None:
        return "a positive integer" if integer and minimum == 1 else f"{noun} of at least {show(minimum)}"
    return noun if maximum is None else f"{noun} of at most {show(maximum)}"


def _schema_bounds(minimum: float | None, maximum: float | None) -> dict[str, float]:
    bounds: dict[str, float] = {}
    if minimum is not None:
        bounds["minimum"] = minimum
    if maximum is not None:
        bounds["maximum"] = maximum
    return bounds
