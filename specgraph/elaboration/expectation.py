"""`expect`: the shape an author believes comes out of a node, compared with what does."""

from __future__ import annotations

import re
from typing import Any

from specgraph.elaboration.size_text import Unreadable, parse_shape, parse_size
from specgraph.graph.dims import Dim, SymbolicDim, equal_sizes
from specgraph.graph.types import TensorType, str_dim
from specgraph.kinds.invalid import Invalid
from specgraph.kinds.shown import show
from specgraph.named_tuples import NamedTuple

MAX_SIZE = 2**31
BATCH = ("N", "B", "batch", "None", None, -1)
TUPLE = re.compile(r"[\[(]\s*[\w-]+(\s*,\s*\w+){0,4}\s*,?\s*[\])]")
TUPLE_ITEM = re.compile(r"-?\w+")


class Expectation(NamedTuple):
    """A declared shape. `form` is `list` (C, H, W), `paper` (H×W×C), `spatial` (H×W) or `number`."""

    sizes: tuple[Dim, ...]
    form: str

    def __str__(self) -> str:
        if self.form == "list":
            return "[" + ", ".join(map(str, self.sizes)) + "]"
        return "x".join(map(str_dim, self.sizes))

    def actual(self, kind: TensorType, *, json: bool = False) -> str:
        """A type in the author's own form, so that the two can be compared by eye, and one copied."""
        if self.form == "list":
            return "[" + ", ".join(_item(dim, json) for dim in kind.dims) + "]"
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


def _item(dim: Dim, json: bool) -> str:
    """A size as an entry of a list, in quotes where it would not be one."""
    text = str(dim)
    return f'"{text}"' if "," in text or (json and isinstance(dim, SymbolicDim)) else text


def parse_expectation(value: Any, kind: TensorType | None, symbols: dict[str, Dim]) -> Expectation:
    """Read an `expect`. `kind`, where known, tells 27x27 (spatial only) from a two-axis shape; `symbols`
    are the free sizes of the inputs, with what they are.

    Raises `Invalid`.
    """
    try:
        if isinstance(value, (list, tuple)) and value:
            return Expectation(tuple(_size(item, symbols) for item in value), "list")
        if not isinstance(value, str):
            return Expectation((_size(value, symbols),), "number")
        sizes = tuple(_size(size, symbols) for size in parse_shape(value, symbols))
    except Unreadable:
        wanted = "[96, 27, 27], 27x27x96, 27x27 or 4096"
        if symbols:
            wanted += f" (with {', '.join(symbols)} or sums of them, such as {next(iter(symbols))} - 2)"
        fault = Invalid(f"must be a shape such as {wanted}, not {show(value)}")
        fault.meant, fault.unsure = _meant(value, symbols), True
        if fault.meant is not None and isinstance(value, list):
            fault.help = f"write {show(fault.meant)}: the batch axis is implied"
        raise fault from None
    if len(sizes) == 1:
        return Expectation(sizes, "number")
    spatial = kind is not None and kind.is_feature_map and len(sizes) == kind.rank - 1
    return Expectation(sizes, "spatial" if spatial else "paper")


def _meant(value: Any, symbols: dict[str, Dim]) -> list[Any] | None:
    """The list of sizes that `(16, 32, 32)` or `[N, 16, 32, 32]` stands for."""
    if isinstance(value, str) and TUPLE.fullmatch(value):
        value = [int(item) if item.isdecimal() else item for item in TUPLE_ITEM.findall(value)]
    elif not isinstance(value, list) or len(value) < 2:
        return None
    without_batch: list[Any] = value[1:] if value[0] in BATCH else value
    try:
        for item in without_batch:
            _size(item, symbols)
    except Unreadable:
        return None
    return without_batch


def _size(value: Any, symbols: dict[str, Dim]) -> Dim:
    if isinstance(value, str):
        value = parse_size(value, symbols)
    if isinstance(value, SymbolicDim) or (
        isinstance(value, int) and not isinstance(value, bool) and 0 < value < MAX_SIZE
    ):
        return value
    raise Unreadable
