"""Runs that no other run beats both in quality and in cost: the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from specgraph.runs.entries import Entry
from specgraph.runs.fields import Fields


def front(entries: Sequence[Entry], cost: str, fields: Fields) -> dict[str, bool]:
    """Whether each run, by its folder, is on the front of its metric on the validation set against a cost.

    Runs of another task, metric or data set are not compared. A run without the metric or the cost is on no front and
    missing in the result. Of runs that are equal in both, all are on the front.
    """
    groups: dict[tuple[Any, ...], list[tuple[str, float, float]]] = {}
    for entry in entries:
        if entry.damaged is not None:
            continue
        value, price = entry.facts["validation"], fields.value(entry, cost)
        if not isinstance(value, int | float) or not isinstance(price, int | float):
            continue
        good = float(value) if entry.metric.mode == "max" else -float(value)
        compared = tuple(entry.facts[name] for name in ("task", "metric", "data"))
        groups.setdefault(compared, []).append((entry.folder, good, float(price)))
    return {
        folder: not any(_beats((other, less), (good, price)) for _, other, less in group)
        for group in groups.values()
        for folder, good, price in group
    }


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether (quality, cost) is at least as good in both and better in one."""
    return one[0] >= other[0] and one[1] <= other[1] and one != other
