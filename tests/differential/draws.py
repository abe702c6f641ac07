"""What samplers draw arguments from: axes, sizes, paddings, windows, now and then a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.oracle.labels import Labels

Shape = tuple[int, ...]


class Draws:
    """Draws arguments for ops applied to an input of a shape (without the batch axis)."""

    def __init__(self, rng: Random, shape: Shape, labels: Labels, wild: bool) -> None:
        self.rng = rng
        self.shape = shape
        self.labels = labels
        self.wild = wild
        self.rank = len(shape) - 1
        self.spatial = shape[1:]

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.rng.random() < probability

    def off(self, probability: float = 0.5) -> bool:
        """True where something is to go wrong."""
        return self.wild and self.chance(probability)

    def per_axis(self, draw: Callable[[int], Any], *, alike: float = 0.5) -> Any:
        """One value, or a list with one per axis."""
        if self.off(0.08):
            return [draw(0) for _ in range(self.rng.choice([1, 2, 3]))]
        if self.rank < 1:
            return draw(0)
        if self.chance(alike):
            values = [draw(axis) for axis in range(self.rank)]
            numbers = [value for value in values if isinstance(value, int | float)]
            return min(numbers) if len(numbers) == len(values) else values[0]
        return [draw(axis) for axis in range(self.rank)]

    def size(self, axis: int) -> int:
        """Spatial size of an axis; of the smallest where one value serves all."""
        return self.spatial[axis] if axis < len(self.spatial) else 4

    def divisor(self, *numbers: int) -> int:
        """A common divisor, or with `wild` any small number."""
        if self.off(0.6):
            return self.rng.randint(2, 5)
        fitting = [d for d in range(1, min(numbers) + 1) if all(number % d == 0 for number in numbers)]
        return self.rng.choice(fitting)

    def axis(self, *, least: int = 1) -> int:
        """An axis number counted with the batch axis as 0, forwards or backwards."""
        count = len(self.shape) + 1
        if self.off(0.8):
            return self.rng.choice([0, count, count + 1, -count, -count - 1])
        axis = self.rng.randint(least, count - 1)
        return axis - count if self.chance(0.3) else axis

    def padding(self, most: Callable[[int], int]) -> Any:
        """One amount, one per axis, or pairs."""
        style = self.rng.random()

        def amount(axis: int) -> int:
            return self.rng.randint(0, max(most(axis), 0)) + (self.rng.randint(1, 2) if self.off(0.25) else 0)

        if style < 0.35:
            return 0
        if style < 0.7 or self.rank < 1:
            return self.per_axis(amount, alike=0.7)
        return [[amount(a), amount(a)] if self.chance(0.8) else amount(a) for a in range(self.rank)]

    # families ----------------------------------------------------------------------------------

    def window(self, *, dilation: bool, half: bool) -> dict[str, Any]:
        """Kernel, stride, padding and dilation that fit, or with `wild` may not."""
        arguments: dict[str, Any] = {}
        spread: Any = 1
        if dilation and self.chance(0.4):
            spread = arguments["dilation"] = self.per_axis(lambda _: self.rng.randint(1, 3))
        least = max(listed(spread, self.rank, 1))

        def kernel(axis: int) -> int:
            if self.off(0.4):
                return self.rng.randint(1, self.size(axis) + 4)
            most = max((self.size(axis) - 1) // least + 1, 1)
            return self.rng.randint(1, min(most, 4))

        arguments["kernel_size"] = self.per_axis(kernel)
        kernels = listed(arguments["kernel_size"], self.rank, 1)
        if self.chance(0.6):
            arguments["stride"] = self.per_axis(lambda _: self.rng.randint(1, 3))
        pad = self.padding(lambda axis: min(kernels) // 2 if half else 2)
        if pad != 0 or self.chance(0.3):
            arguments["padding"] = pad
        return arguments


def listed(value: Any, rank: int, default: int) -> list[int]:
    if isinstance(value, list):
        return value
    return [value if value is not None else default] * max(rank, 1)
