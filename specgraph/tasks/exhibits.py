"""What a report shows of a judged set, as data: the report draws each kind, and knows no task."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

NUM_WORST = 24


class Confusion(NamedTuple):
    """How often each class (row) is taken for which (column), (classes, classes). `what` is counted."""

    title: str
    counts: Tensor
    names: tuple[str, ...]
    what: str = "images"


class Picture(NamedTuple):
    """An image of the set by position, with masks (H, W) of class numbers to lay over it, and images, uint8
    (C, H, W), to show beside it."""

    position: int
    caption: str
    masks: tuple[Tensor, ...] = ()
    images: tuple[Tensor, ...] = ()


class Pictures(NamedTuple):
    """Images of the set; `parts` says what stands side by side."""

    title: str
    pictures: tuple[Picture, ...]
    parts: tuple[str, ...] = ()


class Scatter(NamedTuple):
    """Predicted against true numbers, (N, numbers) both, a panel for each number."""

    title: str
    names: tuple[str, ...]
    true: Tensor
    given: Tensor


class Curves(NamedTuple):
    """Lines from (x, y), both between 0 and 1, by name."""

    title: str
    x: str
    y: str
    lines: tuple[tuple[str, Tensor, Tensor], ...]


Exhibit = Confusion | Pictures | Scatter | Curves


class Worst:
    """Keeps the images of a set with the lowest figures, with what is shown of each."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.kept: list[tuple[float, int, tuple[Tensor, ...]]] = []
        self._seen = 0

    def add(self, figures: Tensor, *shown: Tensor) -> None:
        """Look at a batch: figures (N,), and tensors with N first."""
        lowest = figures.topk(min(self.count, len(figures)), largest=False).indices.tolist()
        values = figures.tolist()
        fresh = [(values[i], self._seen + i, tuple(part[i].cpu().clone() for part in shown)) for i in lowest]
        self.kept = sorted((*self.kept, *fresh), key=lambda entry: entry[:2])[: self.count]
        self._seen += len(figures)
