"""Which nodes lose most in 8 bits, and which to leave in float32 so that little is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from specgraph.inference.quantiser import JUDGED_IMAGES as ALL_JUDGED
from specgraph.inference.quantiser import Quantiser
from specgraph.inference.session import Session

if TYPE_CHECKING:
    from specgraph.inference.real_images import RealImages, Score

COMPARED_IMAGES = 64
JUDGED_IMAGES = 500


class Sensitivity(NamedTuple):
    """A node of the spec that alone computes in 8 bits: how far the outputs then are from those of float32, as a share
    of their own size (root mean squares), and the task's metric, where it was asked for."""

    node: str
    op: str
    error: float
    score: Score | None = None


def table(rows: Sequence[Sensitivity]) -> list[str]:
    """The nodes, the one that costs most first: a line for each, under a heading."""
    width = max(len("node"), *(len(row.node) for row in rows))
    op_width = max(len("op"), *(len(row.op) for row in rows))
    metric = rows[0].score.metric.title if rows[0].score is not None else ""
    lines = [f"{'node':<{width}}  {'op':<{op_width}}  {'error':>8}  {metric}".rstrip()]
    lines += (
        f"{row.node:<{width}}  {row.op:<{op_width}}  {row.error:>8.3%}  {row.score or ''}".rstrip() for row in rows
    )
    return lines


def lost(before: Score, after: Score) -> float:
    """How much worse a metric is: in percentage points of a share, else in its own units."""
    worse = before.value - after.value if before.metric.mode == "max" else after.value - before.value
    return 100 * worse if before.metric.form == "share" else worse


def sensitivities(
    quantiser: Quantiser, session: Session, images: RealImages, *, judged: bool, progress: Callable[[str], None]
) -> tuple[Sensitivity, ...]:
    """Each node alone in 8 bits, the one that changes the outputs most first. `judged`: with the task's metric on test
    images."""
    batches = [x for x, _, _ in images.inputs(session, "train", COMPARED_IMAGES)]
    wanted = [session.run(x) for x in batches]
    rows = []
    for number, node in enumerate(quantiser.nodes, 1):
        progress(f"node {number} of {len(quantiser.nodes)}: {node}")
        alone = Session(quantiser.made(alone=node), "cpu")
        found = [alone.run(x) for x in batches]
        errors = [
            _relative(
                np.concatenate([each[port.name].ravel() for each in found]),
                np.concatenate([each[port.name].ravel() for each in wanted]),
            )
            for port in session.outputs
        ]
        score = images.score(alone, "test", JUDGED_IMAGES) if judged else None
        rows.append(Sensitivity(node, quantiser.ops[node], max(errors), score))
    return tuple(sorted(rows, key=lambda row: -row.error))


def fewest_exact(
    quantiser: Quantiser,
    images: RealImages,
    rows: Sequence[Sensitivity],
    before: Score,
    max_loss: float,
    *,
    progress: Callable[[str], None],
) -> tuple[tuple[str, ...], Path, Score]:
    """The nodes that stay in float32, the worst first and as few as it takes, found by halving; the file, and its
    score. With all of them the file is the one of float32, which loses nothing."""

    def tried(count: int) -> tuple[Path, Score]:
        progress(f"{count} of {len(rows)} nodes in float32")
        made = quantiser.made(exact=[row.node for row in rows[:count]])
        return made, images.score(Session(made, "cpu"), "test", ALL_JUDGED)

    low, high = 0, len(rows)
    while high - low > 1:
        middle = (low + high) // 2
        if lost(before, tried(middle)[1]) <= max_loss:
            high = middle
        else:
            low = middle
    made, score = tried(high)
    return tuple(row.node for row in rows[:high]), made, score


def _relative(found: np.ndarray, wanted: np.ndarray) -> float:
    size = float(np.sqrt(np.mean(np.square(wanted, dtype=np.float64))))
    error = float(np.sqrt(np.mean(np.square(found.astype(np.float64) - wanted))))
    return error / size if size else error
