"""What files of weights hold, and how two of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from specgraph.pretrained.wanted import shape_text


class Row(NamedTuple):
    """A tensor of a file: its shape and type; mean and deviation of its numbers, None if it has none."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    mean: float | None
    std: float | None


class Difference(NamedTuple):
    """A tensor of two files: `what` is `equal`, `other numbers`, `other shape`, `other type`, `only in A` or `only in
    B`; `largest` is the largest difference of numbers."""

    name: str
    what: str
    detail: str = ""
    largest: float | None = None


def rows_of(state: Mapping[str, Tensor]) -> list[Row]:
    """A row for each tensor, in the order of the file."""
    return [Row(name, tuple(value.shape), _type(value), *_statistics(value)) for name, value in state.items()]


def totals_of(state: Mapping[str, Tensor]) -> tuple[int, int]:
    """Numbers and bytes of all tensors."""
    sizes = [(value.numel(), value.numel() * value.element_size()) for value in state.values()]
    return sum(numel for numel, _ in sizes), sum(size for _, size in sizes)


def differences(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> list[Difference]:
    """Every tensor of two files, compared by name."""
    return [_difference(name, first.get(name), second.get(name)) for name in dict.fromkeys((*first, *second))]


def _difference(name: str, first: Tensor | None, second: Tensor | None) -> Difference:
    if first is None or second is None:
        only = first if second is None else second
        assert only is not None
        return Difference(name, "only in B" if first is None else "only in A", shape_text(only.shape))
    if first.shape != second.shape:
        return Difference(name, "other shape", f"{shape_text(first.shape)}, {shape_text(second.shape)}")
    if torch.equal(torch.isnan(first), torch.isnan(second)) and torch.equal(
        torch.nan_to_num(_wide(first)), torch.nan_to_num(_wide(second))
    ):
        same = first.dtype == second.dtype
        return Difference(name, "equal" if same else "other type", "" if same else f"{_type(first)}, {_type(second)}")
    largest = float((_wide(first) - _wide(second)).abs().max())
    return Difference(name, "other numbers", shape_text(first.shape), largest)


def _wide(value: Tensor) -> Tensor:
    return value.to(torch.complex128 if value.is_complex() else torch.float64)


def _type(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def _statistics(value: Tensor) -> tuple[float | None, float | None]:
    if not value.numel() or value.is_complex() or value.is_quantized:
        return None, None
    numbers = value.double()
    return float(numbers.mean()), float(numbers.std(correction=0))


def table(rows: list[tuple[Any, ...]], heads: tuple[str, ...]) -> list[str]:
    """Rows as lines of columns: numbers to the right, the rest to the left."""
    cells = [heads, *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    right = [any(isinstance(row[column], int | float) for row in rows) for column in range(len(heads))]
    return [
        "  ".join(
            text.rjust(width) if is_right else text.ljust(width)
            for text, width, is_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in cells
    ]


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
