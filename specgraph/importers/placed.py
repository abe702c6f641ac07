"""A traced value whose batch is not the first axis, as a spec's always is.

A spec has the batch in front, alone. A value that has it elsewhere is `Placed`: a node whose axes without the batch are
those of the value, in its order. Views and transpositions move the batch about; what acts on other axes acts on the
same axes of the node's value.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from specgraph.importers.flat import Refusal

IN_FRONT = "its batch is not the first axis, which a spec's always is"
ON_BATCH = "it acts on the batch axis, which a spec never touches"
OF_EACH_SAMPLE = "its constant has numbers of its own for each sample, which a spec does not"


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

    def own_axis(self, axis: int) -> int:
        """A traced axis as the node's value has it, the batch being 0. Raises `Refusal` for the batch's."""
        if axis == self.axis:
            raise Refusal(ON_BATCH)
        return self.own(axis)[0] + 1

    def rank(self, sizes: Sequence[Any]) -> int:
        """How many axes the traced value has, if the node's has these sizes."""
        return len(sizes) + 1 - self.before - self.after

    def shape(self, sizes: Sequence[Any], batch: Any) -> tuple[Any, ...]:
        """The traced shape of a value whose sizes without the batch are `sizes`."""
        own = [prod(sizes[inner] for inner in self.own(axis)) for axis in range(self.rank(sizes))]
        return tuple(size * batch if axis == self.axis else size for axis, size in enumerate(own))

    def inside(self, sizes: Sequence[int]) -> tuple[int, int]:
        """Sizes of what lies in one axis with the batch, before it and after it."""
        before = sizes[self.axis] if self.before else 1
        return before, sizes[self.axis + self.before] if self.after else 1

    def viewed(self, sizes: Sequence[int], shape: Sequence[int], axis: int, batch: int) -> tuple[Placed, list[int]]:
        """The place of the same values along other axes, of `shape` with the batch in `axis`, and the sizes of the
        node's value then. Raises `Refusal`."""
        inner = prod(sizes[self.axis + self.before :])
        after, rest = divmod(inner, prod(shape[axis + 1 :]))
        before, more = divmod(shape[axis], batch * max(after, 1))
        if rest or more or prod(sizes) != prod(shape) // batch:
            if shape[0] == batch and axis:
                raise Refusal(f"its first size is {shape[0]} at every batch size; write `x.size(0)`, or -1")
            raise Refusal("it takes the batch axis apart")
        inside = [size for size in (before, after) if size > 1]
        return self._replace(axis=axis, before=before > 1, after=after > 1), [
            *shape[:axis],
            *inside,
            *shape[axis + 1 :],
        ]

    def batch_axis(self, sizes: Sequence[int], shape: Sequence[int], batch: int) -> int | None:
        """In which axis of `shape`, along which the same values lie, the batch is; None if there is none. A batch of
        1 may be in several: best alone, else in front of others, not among the features, which are last."""
        lead, inner = prod(sizes[: self.axis + self.before]), prod(sizes[self.axis + self.before :])
        found: list[tuple[bool, bool, bool, int]] = []
        for axis, size in enumerate(shape):
            after, rest = divmod(inner, prod(shape[axis + 1 :]) or 1)
            before, more = divmod(lead, prod(shape[:axis]) or 1)
            if not rest and not more and before * batch * after == size:
                found.append((axis == len(shape) - 1 > 0, before > 1, after > 1, axis))
        return min(found)[-1] if found else None

    def turned(self, order: Sequence[int]) -> tuple[Placed, list[int]]:
        """The place once its axes have another order, and the order of the axes of the node's value, from 0 without
        the batch."""
        own = [axis for traced in order for axis in self.own(traced)]
        return self._replace(axis=list(order).index(self.axis)), own

    def constant(self, array: NDArray[Any], sizes: Sequence[int], batch: int) -> NDArray[Any]:
        """A constant that meets the value as the node's value has its axes, with a batch axis of 1 in front if it
        reaches so far. Raises `Refusal` if it is not the same for all samples."""
        rank = self.rank(sizes)
        if array.ndim < rank - self.axis or array.ndim > rank:
            return array
        shape = [1] * (rank - array.ndim) + list(array.shape)
        before, after = self.inside(sizes)
        total = shape[self.axis]
        apart = (1, 1, 1) if total == 1 else (before, batch, after)
        if prod(apart) != total:
            raise Refusal(OF_EACH_SAMPLE)
        whole = array.reshape(*shape[: self.axis], *apart, *shape[self.axis + 1 :])
        one = whole.take([0], self.axis + 1)
        if not np.array_equal(np.broadcast_to(one, whole.shape), whole):
            raise Refusal(OF_EACH_SAMPLE)
        kept = [*shape[: self.axis], *([apart[0]] * self.before), *([apart[2]] * self.after)]
        return one.reshape(1, *kept, *shape[self.axis + 1 :])


def settled(place: Placed) -> Placed | str:
    """A place, or its path alone where the batch is in front."""
    return place.path if place.in_front else place


def reshaped(wanted: Sequence[int]) -> tuple[str, dict[str, Any]]:
    """The op that gives a node's value these sizes, and its arguments. Raises `Refusal`."""
    if not wanted:
        raise Refusal("its result is a single number for each of the batch; a spec's values have an axis besides it")
    return ("flatten", {}) if len(wanted) == 1 else ("reshape", {"shape": list(wanted)})
