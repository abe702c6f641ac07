"""What is to be said of a finished run that did not go well."""

from __future__ import annotations

from specgraph.tasks.task import Judge

ROSE = 2.0
"""A loss that ends at this many times its lowest value diverged."""
MOVED = 0.01
"""Share of the first epoch's loss that a run without better than chance has to lose to have moved."""
STILL = 1e-6


def remarks_on(rows: list[dict[str, float]], judge: Judge) -> list[str]:
    """Sentences, without a full stop: as good as no network, a class never predicted, a loss that rose or never
    moved."""
    found = judge.remarks()
    losses = [row["train_loss"] for row in rows]
    first, last, lowest = losses[0], losses[-1], min(losses)
    best = losses.index(lowest)
    if lowest > 0 and last >= ROSE * lowest:
        found.append(
            f"the training loss rose from {lowest:.4g} in epoch {int(rows[best]['epoch'])} to {last:.4g}: the run "
            "diverged; a lower learning rate may help"
        )
    elif len(rows) > 1 and first - lowest < (MOVED if found else STILL) * abs(first):
        found.append(
            f"the training loss hardly moved: {first:.4g} in the first epoch, {lowest:.4g} at best; look at the "
            "learning rate, and at what is frozen"
        )
    return found
