"""A list of runs as a table, CSV or JSON: which columns there are, in which order, and what a cell shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from specgraph.errors import CommandError
from specgraph.escaping import for_csv, for_line
from specgraph.kinds.shown import show
from specgraph.recipes.recipe import is_task
from specgraph.runs.entries import COSTS, Entry
from specgraph.runs.fields import PARTS, Fields
from specgraph.tasks.registry import task

MOST_SETTINGS = 6
"""Settings that differ, in a table."""
FRONT = "front"
HEADINGS = {"best_epoch": "best", "seconds": "time", "images_per_second": "images/s"}
RIGHT = ("epochs", "best_epoch", "validation", "test", "seconds", "images_per_second", *COSTS)


@dataclass(frozen=True)
class Listing:
    """Runs in the order in which they are listed, and what is asked of them. `columns` are words of `--columns`,
    `metrics` of `--metric`, `cost` is the field of `--cost`, `front` what `front` gives."""

    entries: list[Entry]
    fields: Fields
    columns: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    cost: str | None = None
    front: dict[str, bool] = field(default_factory=dict)

    def names(self) -> tuple[list[str], int]:
        """The fields that a table has columns for, and how many settings that differ it leaves out.

        Raises `CommandError` for a word that means no field.
        """
        if self.columns:
            return [word if word == FRONT else self.fields.resolve(word, "--columns") for word in self.columns], 0
        whole = [entry for entry in self.entries if entry.damaged is None]
        differing = [name for name in Fields(whole).differing() if name != self.cost]
        wanted = [name for word in self.metrics for name in self.fields.metrics(word)]
        cost = [] if self.cost is None else [self.cost, FRONT]
        names = ["run", "name", "recipe", "data", "metric", *differing[:MOST_SETTINGS], "epochs", "best_epoch"]
        names += ["validation", "test", *wanted, *cost, "seconds", "images_per_second", "tags"]
        if all(entry.facts["metric"] == "accuracy" for entry in whole):
            names.remove("metric")
        for optional in ("name", "tags"):
            if not any(entry.facts[optional] for entry in whole):
                names.remove(optional)
        return list(dict.fromkeys(names)), max(len(differing) - MOST_SETTINGS, 0)

    def table(self) -> list[str]:
        """The lines of the table. Damaged runs come last."""
        names, _ = self.names()
        whole = [entry for entry in self.entries if entry.damaged is None]
        rows = [[self._cell(entry, name) for name in names] for entry in whole]
        headings = [for_line(HEADINGS.get(name, self.fields.heading(name))) for name in names]
        widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
        right = [self._stands_right(name, whole) for name in names]
        lines = [
            "  ".join(
                cell.rjust(width) if is_right else cell.ljust(width)
                for cell, width, is_right in zip(cells, widths, right, strict=True)
            ).rstrip()
            for cells in (headings, *rows)
        ]
        return lines + [f"{for_line(each.folder)}  damaged: {for_line(str(each.damaged))}" for each in self._damaged()]

    def plain(self) -> list[dict[str, Any]]:
        """The runs as JSON has them: everything, or the columns that are asked for."""
        if not self.columns:
            return [{**entry.to_plain(), **self._marked(entry)} for entry in self.entries]
        names, _ = self.names()
        return [
            {"run": entry.folder, "damaged": entry.damaged}
            if entry.damaged is not None
            else {word: self._value(entry, name) for word, name in zip(self.columns, names, strict=True)}
            for entry in self.entries
        ]

    def csv(self) -> tuple[list[str], list[dict[str, Any]]]:
        """Columns and rows of a CSV table: all fields, or the columns that are asked for."""
        if self.columns:
            columns = list(dict.fromkeys(("run", *self.columns)))
            names = dict(zip(self.columns, self.names()[0], strict=True))
        else:
            marks = [] if self.cost is None else [FRONT]
            names = {name: name for name in (*self.fields.names, *marks)}
            columns = list(names) or ["run"]
        has_damaged = bool(self._damaged())
        rows = []
        for entry in self.entries:
            row = {word: self._value(entry, name) for word, name in names.items()}
            row |= {"run": entry.folder, **({"damaged": entry.damaged} if has_damaged else {})}
            rows.append({word: for_csv(_joined(value)) for word, value in row.items()})
        return [*columns, *(["damaged"] if has_damaged else [])], rows

    def _damaged(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.damaged is not None]

    def _marked(self, entry: Entry) -> dict[str, Any]:
        return {} if self.cost is None or entry.damaged is not None else {FRONT: self.front.get(entry.folder)}

    def _value(self, entry: Entry, name: str) -> Any:
        if name == FRONT:
            return self.front.get(entry.folder)
        return self.fields.value(entry, name)

    def _stands_right(self, name: str, entries: Sequence[Entry]) -> bool:
        values = [self._value(entry, name) for entry in entries]
        numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in values]
        given = [number for number, value in zip(numbers, values, strict=True) if value is not None]
        return name in RIGHT or (bool(given) and all(given))

    def _cell(self, entry: Entry, name: str) -> str:
        value = self._value(entry, name)
        return for_line(self._shown(entry, name, value))

    def _shown(self, entry: Entry, name: str, value: Any) -> str:
        if value is None or value == []:
            return ""
        if name == FRONT:
            return "*" if value else ""
        if name == "metric":
            return entry.metric.title
        if name == "epochs":
            return f"{value}{'' if entry.facts['finished'] else '…'}"
        if name in ("validation", "test"):
            return entry.metric.show(value)
        if name == "seconds":
            return f"{value:.0f} s"
        if name == "images_per_second":
            return f"{value:,.0f}"
        if name in COSTS:
            return f"{value:,}" if isinstance(value, int) else str(value)
        if name.startswith(PARTS) and isinstance(value, float):
            return self._score(entry, name.partition("_")[2], value)
        if isinstance(value, float):
            return f"{value:g}"
        return ", ".join(map(_words, value)) if isinstance(value, list) else _words(value)

    def _score(self, entry: Entry, metric: str, value: float) -> str:
        known = task(entry.facts["task"]).metric(metric) if is_task(entry.facts["task"]) else None
        return f"{value:.4f}" if known is None or metric == "loss" else known.show(value)


def ordered(entries: list[Entry], by: str, fields: Fields, *, reverse: bool = False) -> list[Entry]:
    """Runs in the order of a field, those without it last, damaged ones after them. By `test` and `validation` runs of
    one metric are together, the better first; `name` is the network's, then the run's."""
    whole = [entry for entry in entries if entry.damaged is None]
    key = _key(by, fields)
    having = [entry for entry in whole if key(entry) is not None]
    try:
        having.sort(key=key, reverse=reverse)
    except TypeError:
        having.sort(key=lambda entry: str(key(entry)), reverse=reverse)
    lacking = [entry for entry in whole if key(entry) is None]
    return [*having, *lacking, *(entry for entry in entries if entry.damaged is not None)]


def _key(by: str, fields: Fields) -> Callable[[Entry], Any]:
    if by in ("test", "validation"):

        def better(entry: Entry) -> Any:
            value, metric = entry.facts[by], entry.metric
            if value is None:
                return (metric.name, 1, 0.0)
            return (metric.name, 0, -value if metric.mode == "max" else value)

        return better
    if by == "name":
        return lambda entry: (str(entry.facts["network"]), str(entry.facts["name"] or ""))
    if by == "started":
        return lambda entry: str(entry.facts["started"])
    name = fields.resolve(by, "--sort")

    def value(entry: Entry) -> Any:
        found = fields.value(entry, name)
        return show(found) if isinstance(found, list | dict) else found

    return value


def check_cost(word: str, fields: Fields) -> str:
    """The field of a cost. Raises `CommandError` for one that is not a number."""
    name = fields.resolve(word, "--cost")
    values = [value for entry in fields.entries if (value := fields.value(entry, name)) is not None]
    if values and not any(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise CommandError(
            f"--cost {word}: `{word}` is no number, but {show(values[0])}", f"choose {' or '.join(COSTS)}"
        )
    return name


def _joined(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(map(_words, value))
    return show(value) if isinstance(value, dict) else value


def _words(value: Any) -> str:
    """Text as it is, anything else as its author would write it."""
    return value if isinstance(value, str) else show(value)
