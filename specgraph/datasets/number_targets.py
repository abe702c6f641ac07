"""Numbers that are learnt, in the single precision that training keeps them in."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from specgraph.errors import CommandError

MOST_LOST = 0.01
"""The largest rounding error, in deviations of a column, at which its numbers can still be learnt."""


def single_precision(values: Tensor, names: Sequence[str]) -> Tensor:
    """Finite numbers, float64 (N, K), as float32; `names` say what each column is.

    Raises `CommandError` for a column whose numbers are too large for float32, or so close to each other for their size
    that rounding takes their differences away.
    """
    kept = values.float()
    for place, name in enumerate(names):
        column, lost = values[:, place], (kept[:, place].double() - values[:, place]).abs()
        if not bool(kept[:, place].isfinite().all()):
            most = float(column.abs().max())
            raise CommandError(f"{name} holds {most:.4g}, and 3.4e38 is the most", "divide the numbers by a constant")
        spread = float(column.std(correction=0))
        if spread > 0 and float(lost.max()) > MOST_LOST * spread:
            raise CommandError(
                f"{name} holds numbers from {float(column.min()):.10g} to {float(column.max()):.10g}, which single "
                "precision hardly tells apart",
                "subtract a constant from them, such as the least",
            )
    return kept
