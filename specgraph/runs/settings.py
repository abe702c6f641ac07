"""The settings of a run as one flat mapping, by which runs are compared and filtered, and which trackers get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MARKS = ("weights", "match", "adapt", "drop", "reset", "freeze", "compile", "deterministic")
"""Options of `train` that change what a run computes and stand in no recipe."""


def flat(plain: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The leaves of nested mappings by their dotted path. Lists stay whole, and so do empty mappings."""
    return dict(_leaves(plain, prefix))


def _leaves(plain: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in plain.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def settings_of(recipe: Mapping[str, Any], variables: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """What was set for a run: fields of its recipe (`optimizer.sgd.lr`), variables of its spec (`vars.classes`) and
    those options that change what it computes (`options.freeze`), where they are given."""
    chosen = {name: options[name] for name in MARKS if options.get(name) not in (None, [], False, "auto")}
    return {**flat(recipe), **flat(variables, "vars."), **flat(chosen, "options.")}


def short_names(paths: Mapping[str, Any] | list[str]) -> dict[str, str]:
    """The shortest end of each path that means it alone: `lr` of `optimizer.sgd.lr`, if no other path ends so."""
    whole = list(paths)
    ends: dict[str, list[str]] = {}
    for path in whole:
        for end in _ends(path):
            ends.setdefault(end, []).append(path)
    return {path: next(end for end in _ends(path) if end == path or len(ends[end]) == 1) for path in whole}


def _ends(path: str) -> list[str]:
    """The ends of a dotted path at its dots, the shortest first."""
    parts = path.split(".")
    return [".".join(parts[start:]) for start in range(len(parts) - 1, -1, -1)]
