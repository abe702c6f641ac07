"""The oracle's windows: each value is fetched by the place that it comes from."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn

from tests.oracle.held import Held
from tests.oracle.labels import Labels, image_labels
from tests.oracle.modules import Call


def window(
    x: Tensor,
    *,
    labels: Labels,
    window_size: Any,
    shift_size: Any = 0,
    mode: str = "window",
    ceil_mode: bool = False,
) -> nn.Module:
    """Values of each window in order; zeros where the map has ended."""
    sizes, shifts = _arguments(x, labels, window_size, shift_size, mode)
    if not ceil_mode and any(n % size for n, size in zip(x.shape[1:-1], sizes, strict=True)):
        raise RuntimeError("the map does not divide into windows")

    def cut(value: Tensor) -> Tensor:
        places = _places(tuple(value.shape[1:-1]), sizes, shifts, mode)
        rows = [[_value_at(value, place) for place in tokens] for tokens in places]
        return torch.stack([torch.stack(row, 1) for row in rows], 1)

    return Call(cut)


def unwindow(
    x: Tensor, like: Tensor, *, labels: Labels, window_size: Any, shift_size: Any = 0, mode: str = "window"
) -> nn.Module:
    """Each token is written to the place that it came from."""
    sizes, shifts = _arguments(like, labels, window_size, shift_size, mode)
    places = _places(tuple(like.shape[1:-1]), sizes, shifts, mode)
    if x.ndim != 4 or x.shape[1:3] != (len(places), len(places[0])):
        raise RuntimeError("these are no windows of that map")

    def put(value: Tensor, target: Tensor) -> Tensor:
        most = max(value.size(0), target.size(0))
        found = value.new_zeros(most, *target.shape[1:-1], value.size(-1))
        for number, tokens in enumerate(places):
            for token, place in enumerate(tokens):
                if all(at < n for at, n in zip(place, target.shape[1:-1], strict=True)):
                    found.movedim(0, -1)[place] = value[:, number, token].movedim(0, -1)
        return found

    return Call(put)


def window_mask(x: Tensor, *, labels: Labels, window_size: Any, shift_size: Any = 0, value: float = -100) -> nn.Module:
    """Two tokens are apart if one came round the end of the map and the other did not."""
    sizes, shifts = _arguments(x, labels, window_size, shift_size, "window")
    if value >= 0:
        raise RuntimeError("a mask takes away")

    def compare(given: Tensor) -> Tensor:
        rolled = _places(tuple(given.shape[1:-1]), sizes, shifts, "window")
        plain = _places(tuple(given.shape[1:-1]), sizes, (0,) * len(sizes), "window")
        parts = [
            [tuple(a < b for a, b in zip(now, before, strict=True)) for now, before in zip(*pair, strict=True)]
            for pair in zip(rolled, plain, strict=True)
        ]
        found = [[[value if a != b else 0.0 for b in window] for a in window] for window in parts]
        return torch.tensor(found)[None, :, None]

    return Call(compare)


def _arguments(
    x: Tensor, labels: Labels, window_size: Any, shift_size: Any, mode: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """One number an axis. Raises what the language refuses."""
    rank = x.ndim - 2
    if not 1 <= rank <= 3 or labels == image_labels(rank + 1):
        raise RuntimeError("no map with channels last")
    sizes, shifts = ((given,) * rank if isinstance(given, int) else tuple(given) for given in (window_size, shift_size))
    if len(sizes) != rank or len(shifts) != rank:
        raise RuntimeError("another number of axes")
    if any(shift >= size for shift, size in zip(shifts, sizes, strict=True)) or (mode == "grid" and any(shifts)):
        raise RuntimeError("a shift that no window has")
    return sizes, shifts


def _places(
    lengths: tuple[int, ...], sizes: tuple[int, ...], shifts: tuple[int, ...], mode: str
) -> list[list[tuple[int, ...]]]:
    """For each window the places of its tokens; those past the end of the map are added ones."""
    along = []
    for length, size, shift in zip(lengths, sizes, shifts, strict=True):
        count = math.ceil(length / size)
        moved = shift if count > 1 else 0
        along.append(
            [
                [
                    (token * count + number if mode == "grid" else number * size + token + moved) % (count * size)
                    for token in range(size)
                ]
                for number in range(count)
            ]
        )
    return [list(itertools.product(*axes)) for axes in itertools.product(*along)]


def _value_at(x: Tensor, place: tuple[int, ...]) -> Tensor:
    inside = all(at < n for at, n in zip(place, x.shape[1:-1], strict=True))
    return x.movedim(0, -1)[place].movedim(-1, 0) if inside else x.new_zeros(x.size(0), x.size(-1))


class Looked(nn.Module):
    """Rows of a table, by an index without a name of its own."""

    def __init__(self, index: Tensor, *, is_kept: bool) -> None:
        super().__init__()
        self.index = index
        self.is_kept = is_kept

    def forward(self, table: Tensor) -> Tensor:
        tokens = math.isqrt(self.index.numel())
        rows = table.reshape(table.size(0), -1, table.size(-1))
        heads = [rows[:, self.index.reshape(tokens, tokens), head] for head in range(rows.size(-1))]
        return torch.stack(heads, 1)

    def own_state(self) -> dict[str, Tensor]:
        return {"": self.index} if self.is_kept else {}


def relative_position_bias(table: Tensor, *, window_size: Any, index: str = "none") -> nn.Module:
    """Offsets are numbered in their order."""
    sizes = (window_size,) * 2 if isinstance(window_size, int) else tuple(window_size)
    places = list(itertools.product(*map(range, sizes)))
    pairs = [tuple(a - b for a, b in zip(first, second, strict=True)) for first in places for second in places]
    order = {offset: number for number, offset in enumerate(sorted(set(pairs)))}
    if table.ndim < 3 or math.prod(table.shape[1:-1]) != len(order):
        raise RuntimeError("a table of other offsets")
    found = torch.tensor([order[pair] for pair in pairs])
    if index == "square":
        found = found.reshape(len(places), len(places))
    return Looked(found, is_kept=index != "none")


def log_spaced_offsets(*, window_size: Any, batch_axis: bool = False, persistent: bool = True) -> nn.Module:
    """Number by number."""
    sizes = (window_size,) * 2 if isinstance(window_size, int) else tuple(window_size)

    def spaced(offset: int, size: int) -> float:
        reach = 8 * abs(offset) / (size - 1) if size > 1 else 0.0
        return math.copysign(math.log2(reach + 1) / 3, offset)

    axes = [[spaced(offset, size) for offset in range(1 - size, size)] for size in sizes]
    numbers = torch.tensor(list(itertools.product(*axes)))
    found = numbers.reshape(*(2 * size - 1 for size in sizes), len(sizes))
    return Held(found[None] if batch_axis else found, batch_axis=batch_axis, is_kept=persistent)
