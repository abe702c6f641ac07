"""Keys of a file as those of a network: prefixes taken off or put before, and published names translated."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Collection, Mapping
from math import prod
from typing import Any, NamedTuple

from torch import Tensor

from specgraph.errors import CommandError
from specgraph.escaping import for_line
from specgraph.pretrained.members import StateDict
from specgraph.pretrained.published_names import NAME_MAPS, NameMap, NameRule
from specgraph.pretrained.wanted import Wanted, owner, without_ones

FIELD = re.compile(r"\{(\w+)(?:\*(\d+))?([+-]\d+)?\}")
STAGE = re.compile(r"(?:.*\.)?blocks\.(\d+)\.")
MAX_PREFIXES = 4
LEAST_SHARE = 0.5
MOST_OF_A_FILE = 0.8
"""The share of a file that published names must lead to: layers beside it, such as a head, may be others."""


class Renamed(NamedTuple):
    """Tensors under other names, and what to say of that."""

    state: StateDict
    notes: tuple[str, ...] = ()


def rename(state: Mapping[str, Tensor], wanted: Wanted, shown: str) -> Renamed:
    """Tensors under the network's names, as far as a prefix or published names lead to these; unchanged where they fit
    already. Raises `CommandError` where two parts of the file fit as well as each other."""
    state = dict(state)
    same = _fitting(state, wanted)
    if same == len(wanted):
        return Renamed(state)
    renamed = Renamed(state) if same else _by_prefix(state, wanted, shown)
    for map_ in NAME_MAPS:
        translated = _translated(renamed.state, map_, wanted)
        if translated is not None:
            return translated._replace(notes=(*renamed.notes, *translated.notes))
    return renamed


def _fitting(keys: Collection[str], wanted: Wanted) -> int:
    return sum(key in wanted for key in keys)


def _by_prefix(state: StateDict, wanted: Wanted, shown: str) -> Renamed:
    """A prefix of the file's names taken off, or one of the network's names put before them."""
    taken = _scores((key.split(".") for key in state), lambda prefix, rest: rest in wanted)
    put = _scores((key.split(".") for key in wanted), lambda prefix, rest: rest in state)
    common = _common_prefix(state)
    best = max((*taken.values(), *put.values()), default=0)
    if best < LEAST_SHARE * min(len(wanted), len(state)):
        return _without(state, common, shown) if common and _is_published(state, common) else Renamed(state)
    found = [prefix for prefix, score in taken.items() if score == best]
    if len(found) > 1:
        parts = " and ".join(f"`{prefix}`" for prefix in found[:MAX_PREFIXES])
        raise CommandError(
            for_line(f"{shown} holds this network under {parts}"),
            for_line(f"choose one, for example --weights {shlex.quote(f'{shown}#{found[0]}')}"),
        )
    if found:
        return _without(state, found[0], shown)
    (prefix, *_) = (prefix for prefix, score in put.items() if score == best)
    note = f"`{prefix}.` is put before the names of {shown}"
    return Renamed({f"{prefix}.{key}": value for key, value in state.items()}, (note,))


def _scores(keys: Any, fits: Any) -> Counter[str]:
    scores: Counter[str] = Counter()
    for parts in keys:
        for count in range(1, len(parts)):
            prefix = ".".join(parts[:count])
            if fits(prefix, ".".join(parts[count:])):
                scores[prefix] += 1
    return scores


def _without(state: StateDict, prefix: str, shown: str) -> Renamed:
    dotted = f"{prefix}."
    inner = {key.removeprefix(dotted): value for key, value in state.items() if key.startswith(dotted)}
    notes = [f"the prefix `{dotted}` is taken off the names of {shown}"]
    others = [key for key in state if not key.startswith(dotted)]
    if others:
        notes.append(f"{len(others)} tensors of {shown} outside `{dotted}` are left out, such as {others[0]}")
    return Renamed(inner, tuple(notes))


def _common_prefix(state: StateDict) -> str:
    """The longest dotted prefix of all keys."""
    parts = [key.split(".")[:-1] for key in state]
    common = parts[0] if parts else []
    for each in parts:
        while common != each[: len(common)]:
            common = common[:-1]
    return ".".join(common)


def _is_published(state: StateDict, prefix: str) -> bool:
    inner = [key.removeprefix(f"{prefix}.") for key in state]
    return any(re.match(map_.mark, key) for map_ in NAME_MAPS for key in inner)


def _translated(state: StateDict, map_: NameMap, wanted: Wanted) -> Renamed | None:
    """Tensors under the names that a map leads to; None where it leads to no more of the network's names."""
    if not any(re.match(map_.mark, key) for key in state):
        return None
    owners = {owner(key) for key in state} | set(state)
    stages = 1 + max((int(found[1]) for key in state if (found := STAGE.match(key))), default=0)
    paths = {path: _translate(path, map_, owners, stages) for path in owners}
    named: StateDict = {}
    example = ""
    for key, value in state.items():
        path = key if key in wanted or paths[key] != key else owner(key)
        new = paths[path] + key.removeprefix(path)
        place = wanted.get(new)
        if place is not None and value.shape != place.shape and _is_same_layer(value.shape, place.shape):
            value = value.reshape(place.shape)
        named[new] = value
        example = example or (f"`{key}` is `{new}`" if new != key and new in wanted else "")
    fitting = _fitting(named, wanted)
    if len(named) < len(state) or fitting < MOST_OF_A_FILE * len(state) or fitting <= _fitting(state, wanted):
        return None
    return Renamed(named, (f"the names are those of {map_.publisher}: {example}",))


def _translate(path: str, map_: NameMap, owners: set[str], stages: int) -> str:
    for rule in map_.rules:
        found = re.fullmatch(rule.pattern, path)
        if found and _holds(rule, found, owners, stages):
            return _filled(rule.path, found, stages)
    return path


def _holds(rule: NameRule, found: re.Match[str], owners: set[str], stages: int) -> bool:
    if not rule.beside:
        return True
    there = _filled(rule.beside.removeprefix("!"), found, stages) in owners
    return there != rule.beside.startswith("!")


def _filled(path: str, found: re.Match[str], stages: int) -> str:
    def field(match: re.Match[str]) -> str:
        text = str(stages) if match[1] == "stages" else found[int(match[1])]
        return str(int(text) * int(match[2] or 1) + int(match[3] or 0)) if match[2] or match[3] else text

    return FIELD.sub(field, path)


def _is_same_layer(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two shapes are those of the same numbers: but for ones, or with a map that the other has flattened."""
    if without_ones(shape) == without_ones(other):
        return True
    return len(other) == 2 and len(shape) > 2 and shape[0] == other[0] and prod(shape) == prod(other)
