"""Conditions on runs, as `--where` takes them: `lr>0.01`, `optimizer=adam`, `tags=baseline`, `test>=97%`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from specgraph.errors import CommandError
from specgraph.kinds.shown import show
from specgraph.runs.entries import Entry
from specgraph.runs.fields import Fields

WRITTEN = re.compile(r"\s*([^<>=!~]+?)\s*(<=|>=|!=|==|=|<|>|~)(.*)", re.DOTALL)
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
WORDS: dict[str, Any] = {"true": True, "false": False, "nothing": None, "null": None}


class Condition(NamedTuple):
    """What a field of a run must be: `text` as it is written, `value` what that means, a number, true, false, nothing
    or text."""

    field: str
    sign: str
    value: Any
    text: str

    def holds(self, value: Any) -> bool:
        """Whether it holds for a run with this value of the field. A run that has none fulfils `!=` alone, and
        `=nothing`."""
        if self.sign == "!=":
            return not self._equals(value)
        if self.sign in ("=", "=="):
            return self._equals(value)
        if value is None:
            return False
        if self.sign == "~":
            return self.text.casefold() in _words(value).casefold()
        if _is_number(value) and _is_number(self.value):
            return ORDER[self.sign](value, self.value)
        return isinstance(value, str) and ORDER[self.sign](value, self.text)

    def _equals(self, value: Any) -> bool:
        if isinstance(value, list):
            return self.text in (_words(value), *map(_words, value))
        if isinstance(value, str):
            return value == self.text
        if _is_number(value) and _is_number(self.value):
            return bool(value == self.value)
        return value is self.value or (isinstance(value, dict) and _words(value) == self.text)


def parse_condition(text: str, fields: Fields) -> Condition:
    """The condition that is written so. Raises `CommandError` where it cannot be read, names no field, or orders text
    by a number or numbers by text."""
    found = WRITTEN.fullmatch(text)
    if found is None:
        raise CommandError(
            f"--where {text}: there is no comparison", "write for example --where 'lr>0.01' or --where optimizer=adam"
        )
    word, sign, written = found[1], found[2], found[3].strip()
    name = fields.resolve(word, f"--where {text}")
    value = _value(written)
    condition = Condition(name, sign, value, value if isinstance(value, str) else written)
    if sign not in ORDER:
        return condition
    present = [known for entry in fields.entries if (known := fields.value(entry, name)) is not None]
    if present and _is_number(value) != any(map(_is_number, present)):
        have = "numbers" if any(map(_is_number, present)) else "text"
        raise CommandError(
            f"--where {text}: the runs have {have} for `{word}`, such as {show(present[0])}, and {written!r} is "
            f"{'a number' if _is_number(value) else 'no number'}",
            f"write --where '{word}{sign}{show(present[0])}', or compare with = or ~",
        )
    return condition


def fulfils(entry: Entry, conditions: list[Condition], fields: Fields) -> bool:
    """Whether all conditions hold for a run. None does for a damaged run."""
    if entry.damaged is not None:
        return not conditions
    return all(condition.holds(fields.value(entry, condition.field)) for condition in conditions)


def _words(value: Any) -> str:
    return value if isinstance(value, str) else show(value)


def _value(text: str) -> Any:
    """A number, a share in percent, true, false, nothing, or text with or without quotes."""
    if text in WORDS:
        return WORDS[text]
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    share = text.endswith("%")
    try:
        number = float(text.removesuffix("%").replace("_", ""))
    except ValueError:
        return text
    return number / 100 if share else number


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
