"""`expect`: the shape an author believes comes out of a node, held against what does."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from specgraph.graph.dims import Dim, equal_sizes
from specgraph.graph.types import TensorType, str_dim
from specgraph.spec.kinds import Invalid, show

PAPER = re.compile(r"[0-9]+(\s*[x×X]\s*[0-9]+)*")
MAX_SIZE = 2**31


class Expectation(NamedTuple):
    """A declared shape. `form` is `list` (C, H, W), `paper` (H×W×C), `spatial` (H×W) or `number`."""

    sizes: tuple[int, ...]
    form: str

    def __str__(self) -> str:
        return show(list(self.sizes)) if self.form == "list" else "x".join(map(str, self.sizes))

    def actual(self, kind: TensorType) -> str:
        """A type in the author's own form, so that the two can be compared by eye."""
        if self.form == "list":
            return "[" + ", ".join(str(dim) for dim in kind.dims) + "]"
        if self.form == "spatial" and kind.is_feature_map:
            return "x".join(str_dim(dim) for dim in kind.dims[1:])
        return str(kind)

    def holds(self, kind: TensorType) -> bool:
        """Whether a type is as declared."""
        dims = self.dims(kind)
        return dims is not None and all(map(equal_sizes, dims, kind.dims)) and len(dims) == len(kind.dims)

    def dims(self, kind: TensorType) -> tuple[Dim, ...] | None:
        """The declared sizes in the axes' order of `kind`; None where the ranks differ."""
        if self.form in ("list", "number"):
            return self.sizes if len(self.sizes) == kind.rank else None
        if self.form == "spatial":
            return (kind.dims[0], *self.sizes) if kind.is_feature_map and len(self.sizes) == kind.rank - 1 else None
        if len(self.sizes) != kind.rank:
            return None
        return (self.sizes[-1], *self.sizes[:-1]) if kind.is_feature_map else self.sizes


def parse_expectation(value: Any, kind: TensorType | None) -> Expectation:
    """Read an `expect`. `kind`, where known, tells 27x27 (spatial only) from a two-axis shape.

    Raises `Invalid`.
    """
    if isinstance(value, bool) or value is None:
        raise _invalid(value)
    if isinstance(value, int):
        if not 0 < value < MAX_SIZE:
            raise _invalid(value)
        return Expectation((value,), "number")
    if isinstance(value, (list, tuple)):
        if not value or any(isinstance(v, bool) or not isinstance(v, int) or not 0 < v < MAX_SIZE for v in value):
            raise _invalid(value)
        return Expectation(tuple(value), "list")
    if isinstance(value, str) and len(value) <= 80 and PAPER.fullmatch(value.strip()):
        sizes = tuple(int(part) for part in re.split(r"\s*[x×X]\s*", value.strip()))
        if all(0 < size < MAX_SIZE for size in sizes):
            if len(sizes) == 1:
                return Expectation(sizes, "number")
            spatial = kind is not None and kind.is_feature_map and len(sizes) == kind.rank - 1
            return Expectation(sizes, "spatial" if spatial else "paper")
    raise _invalid(value)


def _invalid(value: Any) -> Invalid:
    return Invalid(f"must be a shape such as [96, 27, 27], 27x27x96, 27x27 or 4096, not {show(value)}")
