"""Did-you-mean: the nearest known name to a misspelt one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from threading import local

from specgraph.diagnostics.model import Applicability

MAX_EFFORT = 1_500_000
NUMBERS = re.compile(r"\d+")
MOST_COMPARED = 2000
"""Names among which one is looked for that may be meant as well."""


class _Effort(local):
    """What is left for suggestions, in each thread for the check that it runs."""

    left = MAX_EFFORT


_effort = _Effort()


def renew_effort() -> None:
    """Begin anew to count what is spent on suggestions: they end where a file has so many misspelt
    and so many known names that comparing all of them would take longer than checking it."""
    _effort.left = MAX_EFFORT


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` most likely means, or None where none is close.

    Close: differs in case or separators only, or by at most one edit in three characters (a
    transposition counts as one edit). None, too, where the effort of this check is used up
    (`renew_effort`).
    """
    best: str | None = None
    best_distance = 0
    if len(name) > 100:
        return None
    folded, letters = _folded(name)
    if not folded or name.lstrip("+-").isdigit():
        return None  # a number is no misspelt name
    for candidate in candidates:
        if candidate == name:
            return candidate
        _effort.left -= 4
        if _effort.left < 0:
            return None
        other, others = _folded(candidate)
        allowed = max(1, max(len(folded), len(other)) // 3)
        if len(folded) <= 2 and len(other) <= 2 and folded != other:
            continue
        if best is not None:
            allowed = min(allowed, best_distance - 1)
        if abs(len(folded) - len(other)) > allowed:
            continue
        if len(letters - others) > allowed or len(others - letters) > allowed:
            continue  # a letter that is not there at all takes an edit of its own
        _effort.left -= len(folded) * len(other)
        distance = 0 if folded == other else edit_distance(folded, other, allowed)
        if distance <= allowed:
            best, best_distance = candidate, distance
            if distance == 0:
                break
    return best


def certainty(name: str, close: str, among: Iterable[str] = ()) -> Applicability:
    """How sure it is that a name is `close`, misspelt: `safe` where only case, separators or one edit differ,
    and no number. `among` are the names that exist: if another is one edit away too, it may be meant (`reluX`,
    where there are `reluL` and `reluR`)."""
    if NUMBERS.findall(name) != NUMBERS.findall(close):
        return "unsafe"
    folded = fold(name)
    distance = edit_distance(folded, fold(close), 1)
    if distance == 0:
        return "safe"
    others = (fold(other) for other in islice(among, MOST_COMPARED) if other != close)
    return "unsafe" if distance > 1 or any(edit_distance(folded, other, 1) <= 1 for other in others) else "safe"


def fold(name: str) -> str:
    """A name without case and separators."""
    return _folded(name)[0]


@lru_cache(maxsize=2048)
def _folded(name: str) -> tuple[str, frozenset[str]]:
    """A name without case and separators, and its letters."""
    folded = name.lower().replace("-", "").replace("_", "")
    return folded, frozenset(folded)


def edit_distance(left: str, right: str, most: int) -> int:
    """Damerau-Levenshtein distance (adjacent transpositions), or `most + 1` where it is larger."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    previous = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        current = [i]
        for j, b in enumerate(right, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > most:
            return most + 1
        before, previous = previous, current
    return min(previous[-1], most + 1)
