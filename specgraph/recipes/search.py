"""The part `search` of a recipe, or a file of its own: what `specgraph sweep` tries.

Imports nothing heavy: `check` reads it with the recipe.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from specgraph.kinds.invalid import Invalid
from specgraph.kinds.kinds import Choice, Either, Int, Kind, ListOf, Nothing, Number
from specgraph.kinds.records import Field, MapOf, Record
from specgraph.kinds.settings import Settings, record_of, setting
from specgraph.kinds.shown import show

COSTS = ("multiply_adds", "parameters", "memory")
"""What a limit may bound: multiply-adds of one image's forward pass, trained parameters, bytes of training."""
LIMIT = re.compile(r"\s*([a-z_]+)\s*<=\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)\s*")
RANGES = ("choice", "uniform", "log_uniform", "int")


class _Anything(Kind):
    """Any value: a choice may be a number, a word, or a part of a recipe."""

    def check(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {}


_PAIR = ListOf(Number(), 2, 2)
_FIELDS = Record(
    "range",
    Field("choice", Either(ListOf(_Anything(), 1), Nothing(), words="a list of values"), None, "one of these values"),
    Field("uniform", Either(_PAIR, Nothing()), None, "a number from the first to the second"),
    Field("log_uniform", Either(ListOf(Number(above=0), 2, 2), Nothing()), None, "the same, even in its logarithm"),
    Field("int", Either(ListOf(Int(), 2, 2), Nothing()), None, "an integer from the first to the second, with both"),
    Field("step", Either(Number(above=0), Nothing()), None, "distance of neighbours, of uniform and int"),
)


class Range(Kind):
    """What a parameter may be: `{choice: [16, 32]}` (or the list alone), `{uniform: [0, 0.5]}`,
    `{log_uniform: [1e-4, 1]}` or `{int: [1, 4]}`; `step` goes with uniform and int. Its canonical form is such a
    mapping."""

    words = "a list of values, or one of choice, uniform, log_uniform and int, such as {log_uniform: [0.001, 1]}"

    def check(self, value: Any) -> dict[str, Any]:
        if isinstance(value, list | tuple):
            value = {"choice": list(value)}
        if not isinstance(value, dict):
            raise self.fail(value)
        given = {key: each for key, each in _FIELDS.check(value).items() if each is not None}
        kinds = [key for key in RANGES if key in given]
        if len(kinds) != 1:
            raise self.fail(value)
        kind = kinds[0]
        return {kind: self._checked(kind, list(given[kind]), given.get("step")), **_step(kind, given)}

    def _checked(self, kind: str, values: list[Any], step: float | None) -> list[Any]:
        if kind == "choice":
            for place, each in enumerate(values):
                if any(type(each) is type(other) and each == other for other in values[:place]):
                    raise Invalid(f"names {show(each)} twice", (kind, place))
            return values
        least, most = values
        if least >= most:
            raise Invalid(f"must have the least value first, not {show(values)}", (kind,))
        if step is not None and step > most - least:
            raise Invalid(f"must be at most {show(most - least)}, the width of the range", ("step",))
        return values

    def schema(self) -> dict[str, Any]:
        ranges = _FIELDS.schema() | {"minProperties": 1}
        return {"anyOf": [{"type": "array", "minItems": 1}, ranges]}


def _step(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    step = given.get("step")
    if step is None:
        return {}
    if kind not in ("uniform", "int"):
        raise Invalid(f"goes with uniform and int, not with {kind}", ("step",))
    if kind == "int" and not float(step).is_integer():
        raise Invalid(f"must be an integer, not {show(step)}", ("step",))
    return {"step": int(step) if kind == "int" else step}


class Limit(Kind):
    """A bound on what a network costs: `multiply_adds <= 300e6`."""

    words = f"a bound on {', '.join(COSTS[:-1])} or {COSTS[-1]}, such as multiply_adds <= 300e6"

    def check(self, value: Any) -> str:
        found = LIMIT.fullmatch(value) if isinstance(value, str) else None
        if found is None or found[1] not in COSTS:
            raise self.fail(value)
        try:
            float(found[2])
        except ValueError:
            raise self.fail(value) from None
        return f"{found[1]} <= {found[2]}"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^\\s*({'|'.join(COSTS)})\\s*<=\\s*[0-9.]+([eE][-+]?[0-9]+)?\\s*$"}


def parse_limit(limit: str) -> tuple[str, float]:
    """What a checked limit bounds, and its bound."""
    found = LIMIT.fullmatch(limit)
    assert found is not None
    return found[1], float(found[2])


class _Space(MapOf):
    """Parameters and their ranges; at least one."""

    words = "a mapping from variables of the spec, or recipe.PATH, to ranges"

    def check(self, value: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().check(value)
        if not found:
            raise self.fail(value)
        return found


class Search(Settings):
    """What a sweep tries, how often, and by which method."""

    space: dict[str, dict[str, Any]] = setting(
        _Space(Range()), "what varies: a variable of the spec, or recipe.PATH for a field of the recipe, and its range"
    )
    trials: int | None = setting(
        Either(Int(1), Nothing()), "settings to train; default: 20, of a grid all its points", default=None
    )
    sampler: Literal["tpe", "random", "grid"] = setting(
        Choice("tpe", "random", "grid"), "how settings are chosen: by what trials before reached, or not", default="tpe"
    )
    pruner: Literal["none", "median", "hyperband"] = setting(
        Choice("none", "median", "hyperband"), "what ends a trial early, by its epochs so far", default="none"
    )
    limits: tuple[str, ...] = setting(
        ListOf(Limit()), "bounds on cost: settings above one are discarded before training", default=()
    )
    wrong: Literal["refuse", "discard"] = setting(
        Choice("refuse", "discard"), "what settings do that the checker finds wrong: end the sweep, or be left out",
        default="refuse",
    )  # fmt: skip
    seed: int = setting(Int(0), "of the choice of settings", default=0)


SEARCH = record_of(Search, title="search")
