"""The parameters of a sweep: their values, as optuna keeps them and as a spec takes them."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from specgraph.kinds.shown import show

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Params = dict[str, Any]
"""A value for each parameter, as a spec takes it."""
MOST_POINTS = 10_000
"""Points of a space that are listed one by one."""


class Parameter:
    """One parameter: its name in the search, and its range in the canonical form of `recipes.search.Range`."""

    def __init__(self, name: str, given: Mapping[str, Any]) -> None:
        self.name = name
        self.kind = next(key for key in given if key != "step")
        self.values: list[Any] = list(given[self.kind])
        self.step: float | int | None = given.get("step")
        if self.kind == "int":
            self.step = int(self.step or 1)
            least, most = self.values
            self.values = [least, least + (most - least) // self.step * self.step]
        elif self.step is not None:
            least, most = self.values
            steps = math.floor((most - least) / self.step + 1e-9)
            self.values = [least, float(f"{least + steps * self.step:.12g}")]

    def distribution(self) -> BaseDistribution:
        """The same range in optuna's words."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.kind == "choice":
            return CategoricalDistribution([self.encode(value) for value in self.values])
        least, most = self.values
        if self.kind == "int":
            return IntDistribution(least, most, step=int(self.step or 1))
        return FloatDistribution(float(least), float(most), log=self.kind == "log_uniform", step=self.step)

    def encode(self, value: Any) -> Any:
        """A value as optuna's storage keeps it. Choices that are not all of one simple type are kept as JSON: 1, 1.0
        and true are equal in Python."""
        if self.kind != "choice":
            return int(value) if self.kind == "int" else float(value)
        types = {type(each) for each in self.values}
        simple = len(types) == 1 and types <= {str, int, float, bool}
        return value if simple else json.dumps(value, sort_keys=True)

    def decode(self, kept: Any) -> Any:
        """The value that optuna kept."""
        if self.kind != "choice":
            return int(kept) if self.kind == "int" else float(kept)
        return next(value for value in self.values if self.encode(value) == kept)

    def points(self) -> list[Any] | None:
        """All its values; None where there are too many to list."""
        if self.kind == "choice":
            return self.values
        if self.step is None:
            return None
        least, most = self.values
        count = round((most - least) / self.step) + 1
        if count > MOST_POINTS:
            return None
        made = [least + place * self.step for place in range(count)]
        return made if self.kind == "int" else [float(f"{value:.12g}") for value in made]

    def probes(self) -> list[Any]:
        """Values that show what the parameter does: every choice, or both ends and the middle of a range."""
        if self.kind == "choice":
            return self.values
        least, most = self.values
        if self.kind == "log_uniform":
            return [float(least), float(most), math.sqrt(least * most)]
        if self.kind == "int":
            step = int(self.step or 1)
            middle = least + (most - least) // 2 // step * step
            return [*dict.fromkeys([least, most, middle])]
        middle = (least + most) / 2
        if self.step is not None:
            middle = least + round((middle - least) / self.step) * self.step
        return [float(least), float(most), float(middle)]


class Space:
    """All parameters of a search, in its order."""

    def __init__(self, given: Mapping[str, Mapping[str, Any]]) -> None:
        self.parameters = {name: Parameter(name, each) for name, each in given.items()}

    def distributions(self) -> dict[str, BaseDistribution]:
        """The space in optuna's words."""
        return {name: each.distribution() for name, each in self.parameters.items()}

    def encode(self, params: Params) -> dict[str, Any]:
        """Values as optuna keeps them."""
        return {name: self.parameters[name].encode(value) for name, value in params.items()}

    def decode(self, kept: Mapping[str, Any]) -> Params:
        """Values that optuna kept, in the order of the search."""
        return {name: each.decode(kept[name]) for name, each in self.parameters.items() if name in kept}

    def size(self) -> int | None:
        """The number of its points; None where they cannot be counted."""
        counts = [each.points() for each in self.parameters.values()]
        return None if None in counts else math.prod(len(points) for points in counts if points is not None)

    def points(self) -> Iterator[Params]:
        """Every point of a space that can be counted, the last parameter quickest."""
        lists = [each.points() or [] for each in self.parameters.values()]
        for values in itertools.product(*lists):
            yield dict(zip(self.parameters, values, strict=True))

    def first(self) -> Params:
        """A point: the first choice, or the middle, of each parameter."""
        return {name: each.probes()[0 if each.kind == "choice" else -1] for name, each in self.parameters.items()}

    def probes(self) -> Iterator[Params]:
        """Points that differ from the first one in one parameter each."""
        first = self.first()
        for name, each in self.parameters.items():
            for value in each.probes():
                yield {**first, name: value}


def key_of(params: Params) -> str:
    """What two equal settings have in common."""
    return json.dumps(params, sort_keys=True, default=str)


def short_names(names: Iterable[str]) -> dict[str, str]:
    """What parameters are called for people: the last part of a path where it is the only one."""
    known = list(names)
    last = [name.rpartition(".")[2] for name in known]
    return {name: short if last.count(short) == 1 else name for name, short in zip(known, last, strict=True)}


def words_of(params: Params) -> str:
    """A setting for people: `width=32, lr=0.01`."""
    short = short_names(params)
    return ", ".join(f"{short[name]}={show_value(value)}" for name, value in params.items())


def show_value(value: Any) -> str:
    """A value for people, numbers to four digits."""
    return f"{value:.4g}" if isinstance(value, float) else show(value)
