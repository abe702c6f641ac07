"""Arguments of ops that repeat or part axes, and that put windows together."""

from __future__ import annotations

from typing import Any

from tests.differential.draws import Draws


def expand(draws: Draws) -> dict[str, Any]:
    sizes = [draws.rng.choice([1, 2, 3, -1] if size == 1 else [size, -1]) for size in draws.shape]
    if draws.off(0.7):
        sizes[draws.rng.randrange(len(sizes))] = draws.rng.choice([0, 4, 9])
    return {"sizes": sizes[1:] if draws.off(0.2) and len(sizes) > 1 else sizes}


def fold(draws: Draws) -> dict[str, Any]:
    rows, columns = (*draws.shape, 1)[:2]
    high = draws.divisor(rows)
    wide = draws.divisor(max(rows // high, 1))
    step, more = draws.rng.randint(1, 3), 0
    if draws.chance(0.3):
        more = draws.rng.randint(0, step - 1)
    size = [(columns - 1) * step + high + more + draws.off(0.3), wide]
    return {"output_size": size, "kernel_size": [high, wide], **({"stride": [step, 1]} if step > 1 else {})}


def unflatten(draws: Draws) -> dict[str, Any]:
    dim = draws.rng.randint(1, len(draws.shape))
    fitting = [d for d in range(1, draws.shape[dim - 1] + 1) if draws.shape[dim - 1] % d == 0]
    return {"dim": dim, "sizes": [draws.rng.choice(fitting), draws.rng.choice([-1, *fitting])]}
