"""Renamed layers: those of a file and of a network that agree in shape and order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from specgraph.pretrained.wanted import COUNTER, owner, shape_text, without_ones

Shapes = Mapping[str, tuple[int, ...]]
Signature = tuple[tuple[str, tuple[int, ...]], ...]


class Pair(NamedTuple):
    """A layer of a file and the layer of a network that it is; `exact`: their shapes agree too."""

    theirs: str
    ours: str
    exact: bool
    shape: str


class Layer(NamedTuple):
    """A layer's path and its tensors, by their names in it."""

    path: str
    signature: Signature

    @property
    def ranks(self) -> tuple[tuple[str, int], ...]:
        """Names of its tensors with their number of axes."""
        return tuple((name, len(shape)) for name, shape in self.signature)

    @property
    def shape(self) -> str:
        """The shape of its first tensor as text."""
        return shape_text(max((len(shape), shape) for _, shape in self.signature)[1])


def layers_of(keys: Shapes) -> list[Layer]:
    """Keys by layers, in their order; shapes without the ones at their ends.

    Counters of batches are left out, as old files lack them.
    """
    grouped: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
    for key, shape in keys.items():
        name = key.rpartition(".")[2]
        if name != COUNTER:
            grouped.setdefault(owner(key), []).append((name if "." in key else "", without_ones(shape)))
    return [Layer(path, tuple(sorted(held))) for path, held in grouped.items()]


def match_layers(theirs: Shapes, ours: Shapes) -> list[Pair]:
    """The layers of `theirs` that are those of `ours` under other names; empty unless one reading alone is possible.

    Layers of a shape that both have equally often match in order, if the order of all of them is the same; one of a
    shape of its own matches wherever it is. What then is left, such as a head of another width, pairs in order if it
    has the same kinds of tensors.
    """
    first, second = layers_of(theirs), layers_of(ours)
    counts = Counter(each.signature for each in first), Counter(each.signature for each in second)
    shared = {each for each, count in counts[0].items() if counts[1][each] == count}
    ordered = [[each.signature for each in side if counts[0][each.signature] > 1 and each.signature in shared]
               for side in (first, second)]  # fmt: skip
    if ordered[0] != ordered[1]:
        return []
    pairs = []
    for signature in shared:
        sides = ([each for each in side if each.signature == signature] for side in (first, second))
        pairs += [Pair(left.path, right.path, True, left.shape) for left, right in zip(*sides, strict=True)]
    left_over = [[each for each in side if each.signature not in shared] for side in (first, second)]
    if pairs and [each.ranks for each in left_over[0]] == [each.ranks for each in left_over[1]]:
        pairs += [Pair(a.path, b.path, False, f"{a.shape} in the file, {b.shape} in the network")
                  for a, b in zip(*left_over, strict=True)]  # fmt: skip
    order = {each.path: index for index, each in enumerate(second)}
    return sorted(pairs, key=lambda pair: order[pair.ours])


def renamed_keys(keys: Iterable[str], pairs: Iterable[Pair]) -> dict[str, str]:
    """The keys of a file with the names that the network has for them."""
    paths = {pair.theirs: pair.ours for pair in pairs}
    new = {}
    for key in keys:
        path = key if key in paths else owner(key)
        new[key] = paths[path] + key.removeprefix(path) if path in paths else key
    return new
