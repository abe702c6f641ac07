"""A traced value whose batch is not the first axis, as a spec's always is."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

IN_FRONT = "its batch is not the first axis, which a spec's always is"


class Placed(NamedTuple):
    """The value of the node at `path`, with the batch in the traced axis `axis`; `before` and `after` say whether
    that axis also holds an axis of the node's value before the batch, or after it."""

    path: str
    axis: int
    before: bool = False
    after: bool = False

    @property
    def in_front(self) -> bool:
        """Whether a spec has the batch there too."""
        return self.axis == 0 and not self.before and not self.after

    def own(self, axis: int) -> list[int]:
        """The axes of the node's value, counted from 0 without the batch, that a traced axis holds."""
        inside = self.before + self.after
        if axis < self.axis:
            return [axis]
        if axis == self.axis:
            return list(range(axis, axis + inside))
        return [axis - 1 + inside]

    def shape(self, sizes: list[int], batch: int) -> tuple[int, ...]:
        """The traced shape of a value whose sizes without the batch are `sizes`."""
        rank = len(sizes) + 1 - self.before - self.after
        own = [prod(sizes[inner] for inner in self.own(axis)) for axis in range(rank)]
        return tuple(size * batch if axis == self.axis else size for axis, size in enumerate(own))
