"""Axes that a chain of reshapes, permutations and selections parts and joins, followed part by part."""

from __future__ import annotations

from math import prod

from specgraph.importers.flat import FlatNetwork, FlatNode
from specgraph.importers.regroup import order_of, sizes_of


class _Part:
    """A part of an axis, compared by identity."""

    def __init__(self, size: int) -> None:
        self.size = size


class _Axes:
    """The axes of a value as parts of those of the value that a chain starts at; parts of one entry are left out.
    `features` are the parts of the last axis, in order."""

    def __init__(self, sizes: list[int]) -> None:
        self.first = [_Part(size) for size in sizes]
        self.axes = [[part] for part in self.first]
        self.features = [self.first[-1]]
        self.chosen: dict[_Part, int] = {}

    def select(self, dim: int, index: int) -> bool:
        gone = [part for part in self.axes.pop(dim) if part.size > 1]
        if len(gone) != 1 or gone[0] not in self.features:
            return False
        self.chosen[gone[0]] = index
        return True

    def reshape(self, sizes: list[int]) -> bool:
        left = [part for axis in self.axes for part in axis if part.size > 1]
        self.axes = []
        for size in sizes:
            axis: list[_Part] = []
            while left and (missing := size // prod(part.size for part in axis)) > 1:
                if left[0].size > missing and not self._part(left, missing):
                    return False
                axis.append(left.pop(0))
            if prod(part.size for part in axis) != size:
                return False
            self.axes.append(axis)
        return not left

    def _part(self, left: list[_Part], size: int) -> bool:
        """Have the first of these be of that size, and another hold the rest."""
        whole = left[0]
        if whole not in self.features or whole.size % size:
            return False
        parts = [_Part(size), _Part(whole.size // size)]
        left[:1] = parts
        place = self.features.index(whole)
        self.features[place : place + 1] = parts
        return True

    def plain(self) -> list[list[_Part]]:
        """The axes without parts of one entry."""
        return [[part for part in axis if part.size > 1] for axis in self.axes]


def parts_of_features(net: FlatNetwork, sizes: list[int], chain: list[FlatNode]) -> tuple[int, int, int] | None:
    """If a chain makes (…, heads, tokens, features of a head) of (…, tokens, features): how many heads, which of how
    many equal parts of the features these are."""
    found = _Axes(sizes)
    for node in chain:
        if node.op == "permute":
            found.axes = [found.axes[axis] for axis in order_of(node)]
        elif node.op == "select":
            dim = node.arguments.get("dim", 1)
            if not found.select(
                dim - 1 if dim > 0 else dim, node.arguments["index"] % sizes_of(net, node.inputs[0])[dim - (dim > 0)]
            ):
                return None
        elif not found.reshape(sizes_of(net, node.path)):
            return None
    *lead, tokens = ([part] if part.size > 1 else [] for part in found.first[:-1])
    axes = found.plain()
    if len(axes) != len(sizes) + 1 or axes[: len(lead)] != lead or axes[-2] != tokens:
        return None
    heads, features = axes[-3], axes[-1]
    own = [part for part in found.features if part.size > 1]
    ahead = own[: len(own) - len(heads) - len(features)]
    if own[len(ahead) :] != [*heads, *features] or len(heads) > 1 or len(ahead) > 1 or [*found.chosen] != ahead:
        return None
    return prod(part.size for part in heads), *((found.chosen[ahead[0]], ahead[0].size) if ahead else (0, 1))
