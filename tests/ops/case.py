"""What a case of an op is, and the shapes that most cases have."""

from __future__ import annotations

from typing import Any, NamedTuple

from specgraph.graph.types import TensorType


class Case(NamedTuple):
    """Arguments of an op and the shapes it is applied to. `rejected` is the rule it breaks, `cost` the multiply-adds
    of one sample, counted by hand."""

    arguments: dict[str, Any]
    shapes: tuple[Any, ...]
    rejected: str | None = None
    cost: int | None = None

    def costs(self, multiply_adds: int) -> Case:
        """The same case, its multiply-adds counted by hand."""
        return self._replace(cost=multiply_adds)

    @property
    def is_plain(self) -> bool:
        """Whether it is of one input, a vector or a map with channels first."""
        return len(self.shapes) == 1 and isinstance(self.shapes[0], tuple)

    @property
    def rank(self) -> int:
        """Number of axes of the first input, the batch axis not counted."""
        shape = self.shapes[0]
        return shape.rank if isinstance(shape, TensorType) else len(shape)

    def __str__(self) -> str:
        return f"{self.arguments} on {self.shapes}"


def ok(*shapes: Any, **arguments: Any) -> Case:
    return Case(arguments, shapes)


def bad(rule: str, *shapes: Any, **arguments: Any) -> Case:
    return Case(arguments, shapes, rule)


LINE, MAP, CUBE, VECTOR = (6, 11), (6, 9, 8), (4, 6, 8, 9), (12,)
LAST = TensorType((9, 8, 6), ("H", "W", "C"))
TOKENS = TensorType((10, 6), ("", "C"))
ROWS = TensorType((9, 8), ("", "C"), batched=False)
"""The last axes of MAP, without samples."""
LOST = TensorType((6, 9, 8), ("", "", ""))
RANK_5 = TensorType((2, 3, 2, 3, 2), ("",) * 5)
