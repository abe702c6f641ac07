"""Random arguments of ops that repeat axes, and that put windows together."""

from __future__ import annotations

from random import Random

from tests.ops.case import Case


def expand(random: Random) -> Case:
    dims = tuple(random.choice((1, 1, 2, 3, 6)) for _ in range(random.randint(1, 4)))
    sizes = [random.choice((1, 2, 3, -1) if size == 1 else (size, size, -1, 4)) for size in dims]
    return Case({"sizes": sizes if random.random() < 0.9 else [2, *sizes]}, (dims,))


def fold(random: Random) -> Case:
    """Columns of a map, sometimes one too few."""
    size, kernel, stride, padding = [
        tuple(random.randint(*bounds) for _ in range(2)) for bounds in ((3, 8), (1, 3), (1, 3), (0, 1))
    ]
    counts = [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(size, kernel, stride, padding, strict=True)]
    rows = random.choice((1, 2, 3)) * kernel[0] * kernel[1]
    columns = counts[0] * counts[1] + random.choice((0, 0, 0, 1))
    given = {"output_size": size, "kernel_size": kernel, "stride": stride, "padding": padding}
    return Case({name: list(value) for name, value in given.items()}, ((rows, columns),))
