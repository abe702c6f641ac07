"""Continuing a run: what is left of it, and what may not have changed since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from specgraph.errors import CommandError
from specgraph.training.checkpoint import Checkpoints
from specgraph.training.run import Run, new_start

RESULTS = ("metrics.csv", "best.safetensors", "last.safetensors", "result.json")


def saved_state(run: Run) -> tuple[dict[str, Any] | None, list[Path]]:
    """The newest valid checkpoint's state and the damaged files passed over.

    None where the run was ended before its first one: it begins again. Raises `CommandError` where there
    were checkpoints once, for then a new start would write over the results, and where nothing says how
    the run was started.
    """
    if not run.environment:
        raise CommandError(
            f"{run.folder} has no environment.json, which says how the run was started",
            f"start a new run: {new_start(run.folder)}",
        )
    found = Checkpoints(run.folder / "checkpoints").newest()
    if found is not None:
        return found
    left = [name for name in RESULTS if (run.folder / name).exists()]
    if left:
        raise CommandError(
            f"{run.folder} holds {', '.join(left)} but no checkpoint to continue from",
            f"start a new run: {new_start(run.folder)}",
        )
    return None, []
