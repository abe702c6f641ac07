"""What is learnt, from the values of columns: a class, labels that are on or off, or numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from specgraph.datasets.catalog import Targets
from specgraph.datasets.columns import Columns
from specgraph.datasets.demands import several_columns
from specgraph.datasets.number_targets import single_precision
from specgraph.datasets.samples import HeadTargets, joined_targets
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data

SEPARATORS = (";", "|", ",")
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
ON, OFF = ("1", "true", "yes", "1.0"), ("0", "false", "no", "0.0", "")


def labels_of(columns: Columns, chosen: list[str], targets: str, data: Data) -> tuple[Tensor, tuple[str, ...]]:
    """The values to learn, int64 (N,) or float32 (N, K), and the names of classes, labels or numbers.

    Raises `CommandError` for values that are none, with their row.
    """
    if targets == "picture":
        return torch.zeros(columns.num_rows, dtype=torch.int64), ()
    if targets == "numbers":
        return _numbers(columns, chosen)
    if targets == "labels":
        return _labels(columns, chosen, data)
    if len(chosen) > 1:
        raise several_columns("class", len(chosen)).error()
    return _classes(columns, chosen[0], data)


def labels_of_outputs(
    columns: Columns, kinds: Mapping[str, Targets], data: Data
) -> tuple[Tensor, tuple[HeadTargets, ...]]:
    """The values that several outputs learn, of the columns that `data.targets` gives each. Raises `CommandError`,
    also for masks, which are images of their own."""
    found = {}
    for name, kind in kinds.items():
        if kind == "mask":
            raise CommandError(
                f"output `{name}` learns masks, and a table gives those to one output alone",
                "train segmentation by itself, or draw the data: {name: shapes}",
            )
        chosen = [] if kind == "picture" else columns.target_columns(data, name)
        labels, names = labels_of(columns, chosen, kind, data)
        found[name] = (kind, labels, names)
    return joined_targets(found)


def _classes(columns: Columns, column: str, data: Data) -> tuple[Tensor, tuple[str, ...]]:
    known = columns.class_names.get(column)
    values = [_class(value, known, columns.at(place, column)) for place, value in enumerate(columns.values[column])]
    stated = data.classes if isinstance(data.classes, tuple) else None
    names = stated or known or tuple(sorted(set(values), key=_in_order))
    _refuse_unknown(set(values), names, column, columns)
    place_of = {name: place for place, name in enumerate(names)}
    return torch.tensor([place_of[value] for value in values]), names


def _class(value: Any, known: tuple[str, ...] | None, where: str) -> str:
    if value is None or value == "" or (known is not None and value == -1):
        raise CommandError(f"{where} has no class", "give every row a class, or leave such rows out")
    if known is not None and isinstance(value, int):
        if not 0 <= value < len(known):
            raise CommandError(f"{where} holds class {value}, and there are {len(known)}, counted from 0")
        return known[value]
    return str(value)


def _in_order(text: str) -> tuple[bool, int, str]:
    """Numbers by their size, then words."""
    return not text.isdecimal(), int(text) if text.isdecimal() else 0, text


def _numbers(columns: Columns, chosen: list[str]) -> tuple[Tensor, tuple[str, ...]]:
    """A column each, or one whose values are lists of one length."""
    if len(chosen) == 1 and isinstance(columns.values[chosen[0]][0], list | tuple):
        (column,) = chosen
        lists = columns.values[column]
        rows = [[_number(part, columns.at(i, column)) for part in row or ()] for i, row in enumerate(lists)]
        uneven = next((i for i, row in enumerate(rows) if len(row) != len(rows[0])), None)
        if uneven is not None:
            raise CommandError(f"{columns.at(uneven, column)} holds {len(rows[uneven])} numbers, not {len(rows[0])}")
        names = tuple(f"{column}_{place}" for place in range(len(rows[0])))
        return _single(rows, names, columns), names
    taken = [[_number(columns.values[c][i], columns.at(i, c)) for c in chosen] for i in range(columns.num_rows)]
    return _single(taken, chosen, columns), tuple(chosen)


def _single(rows: list[list[float]], names: Sequence[str], columns: Columns) -> Tensor:
    told = [f"column `{name}` of {columns.name}" for name in names]
    return single_precision(torch.tensor(rows, dtype=torch.float64), told)


def _labels(columns: Columns, chosen: list[str], data: Data) -> tuple[Tensor, tuple[str, ...]]:
    """A column with 0 and 1 each, or one with a list."""
    if len(chosen) > 1:
        taken = [[_is_on(columns.values[c][i], columns.at(i, c)) for c in chosen] for i in range(columns.num_rows)]
        return torch.tensor(taken), tuple(chosen)
    (column,) = chosen
    known = columns.class_names.get(column)
    lists = [
        [_class(part, known, columns.at(place, column)) for part in _list(value)]
        for place, value in enumerate(columns.values[column])
    ]
    found = {name for names in lists for name in names}
    names = (data.classes if isinstance(data.classes, tuple) else None) or known or tuple(sorted(found, key=_in_order))
    _refuse_unknown(found, names, column, columns)
    return torch.tensor([[float(name in each) for name in names] for each in lists]), names


def _refuse_unknown(found: set[str], names: Sequence[str], column: str, columns: Columns) -> None:
    unknown = sorted(found - set(names))
    if unknown:
        raise CommandError(
            f"column `{column}` of {columns.name} holds `{unknown[0]}`, which data.classes does not name"
        )


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        what = "is empty" if value in (None, "") else f"holds `{value}`"
        has_comma = isinstance(value, str) and DECIMAL_COMMA.fullmatch(value.strip())
        help = "write 0.5, with a point" if has_comma else "give every row a number, or leave such rows out"
        raise CommandError(f"{where} {what}, and not a number", help)
    return number


def _is_on(value: Any, where: str) -> float:
    word = str(value).strip().lower()
    if word not in (*ON, *OFF):
        raise CommandError(f"{where} holds `{value}`", "labels are 1 or 0")
    return float(word in ON)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, str):
        return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
    separator = next((mark for mark in SEPARATORS if mark in value), None)
    parts = value.split(separator) if separator else value.split()
    return [part.strip() for part in parts if part.strip()]
