"""Writes a value as an expression that says the same where it stands."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.language_fuzz.interpreter import Interpreter
from tests.language_fuzz.records import Env, Refused


class Writer:
    """Writes arguments: most as they are, some as expressions over the names that are visible there."""

    def __init__(self, rng: Random, interpreter: Interpreter, env: Env, sizes: list[str]) -> None:
        self.rng = rng
        self.interpreter = interpreter
        self.env = env
        self.sizes = sizes
        """References to nodes or inputs whose channels may be asked for."""

    def written(self, value: Any, share: float = 0.3) -> Any:
        """A value, or an expression of the same value here."""
        if isinstance(value, list):
            return [self.written(item, share / 2) for item in value]
        if self.rng.random() >= share or value is None:
            return value
        text = self.expression(value)
        try:
            found = self.interpreter.said(text, self.env)
        except Refused:
            return value
        return text if found == value and type(found) is type(value) else value

    def expression(self, value: Any) -> str:
        """An expression that is meant to have this value."""
        if isinstance(value, bool):
            return self.boolean(value)
        if isinstance(value, int):
            return f"$({self.integer(value)})"
        if isinstance(value, float):
            return f"$({self.rng.choice(['{0!r} * 1', '{0!r} if true else 1', 'max({0!r}, -9)']).format(value)})"
        return f"$({self.rng.choice(['{0!r}', '{0!r} if 1 < 2 else 3', '[{0!r}, 2][0]']).format(value)})"

    def names(self, kind: Callable[[Any], bool]) -> list[str]:
        """Visible names of values of a kind."""
        values = {**self.env.scope.document.values, **self.env.scope.values}
        if self.env.index is not None:
            values["index"] = self.env.index
        return [name for name, value in values.items() if kind(value)]

    def measured(self) -> list[str]:
        """Numbers that are sizes."""
        found = [f"{name}.channels" for name in self.sizes]
        return [*found, "in_channels"] if self.env.first is not None else found

    def integer(self, value: int) -> str:
        """An expression inside `$(…)` of an integer."""
        numbers = self.names(lambda other: isinstance(other, int) and not isinstance(other, bool))
        lists = self.names(lambda other: isinstance(other, list))
        style = self.rng.randrange(8)
        if style < 4 and (numbers or self.measured()):
            name = self.rng.choice(numbers) if numbers and style < 3 else self.rng.choice(self.measured() or numbers)
            try:
                other = self.interpreter.said(f"$({name})", self.env)
            except Refused:
                return str(value)
            if other == value:
                return name
            if other and value % other == 0 and self.rng.random() < 0.4:
                return f"{name} * {value // other}"
            if value and other % value == 0 and self.rng.random() < 0.4:
                return f"{name} // {other // value}"
            return f"{name} + {value - other}" if other < value else f"{name} - {other - value}"
        if style == 4 and lists:
            name = self.rng.choice(lists)
            items = self.interpreter.said(f"${name}", self.env)
            forms = [f"{name}[{at}]" for at, item in enumerate(items) if item == value]
            forms += [f"{value - len(items)} + len({name})", f"sum({name}) - {sum(items) - value}"]
            forms.append(f"max({name}[0:1]) + {value - items[0]}")
            return self.rng.choice(forms)
        if style == 5:
            condition = self.condition(self.rng.random() < 0.5)
            truth = self.interpreter.said(f"$({condition})", self.env)
            return f"{value} if {condition} else {value + 1}" if truth else f"{value + 1} if {condition} else {value}"
        form = self.rng.choice(
            ["ceil({0} - 0.5)", "round({0} + 0.25)", "int({0} + 0.9)", "floor({0} / 1)", "abs(-{0})", "min({0}, 99)",
             "(2 * {0} + 1) // 2", "sqrt({1}) // 1", "({0} + 7) % 100 - 7"]
        )  # fmt: skip
        return form.format(value, value * value)

    def condition(self, value: bool) -> str:
        """An expression inside `$(…)` of a boolean, often of this value."""
        truths = self.names(lambda other: isinstance(other, bool))
        names = self.names(lambda other: isinstance(other, int) and not isinstance(other, bool))
        if truths and self.rng.random() < 0.5:
            name = self.rng.choice(truths)
            return self.rng.choice([name, f"not {name}", f"{name} and 1 < 2", f"{name} or {name}"])
        if not names:
            return "1 < 2" if value else "2 < 1"
        name = self.rng.choice(names)
        forms = [f"{name} > 1", f"0 <= {name} < 3", f"{name} in [0, 2, 4]", f"{name} == 2 or {name} == 4"]
        return self.rng.choice([*forms, f"not {name} in [1, 3]"])

    def boolean(self, value: bool) -> str:
        """An expression of a boolean."""
        condition = self.condition(value)
        truth = self.interpreter.said(f"$({condition})", self.env)
        return f"$({condition})" if truth is value else f"$(not ({condition}))"
