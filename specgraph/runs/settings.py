"""The settings of a run as one flat mapping, by which runs are compared and filtered, and which trackers get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MARKS = ("weights", "match", "adapt", "drop", "reset", "freeze", "compile", "deterministic")
"""Options of `train` that change what a run computes and stand in no recipe."""
KINDS = ("optimizer", "schedule", "loss")
"""Fields of a recipe of one of several kinds, each with fields of its own."""


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
    """What was set for a run: fields of its recipe (`optimizer.sgd.lr`, and `optimizer` itself, which is `sgd`),
    variables of its spec (`vars.classes`) and those options that change what it computes (`options.freeze`), where
    they are given."""
    chosen = {name: options[name] for name in MARKS if options.get(name) not in (None, [], False, "auto")}
    kinds = {
        name: next(iter(found)) for name in KINDS if isinstance(found := recipe.get(name), dict) and len(found) == 1
    }
    return {**kinds, **flat(recipe), **flat(variables, "vars."), **flat(chosen, "options.")}
