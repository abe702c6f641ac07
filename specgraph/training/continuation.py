"""What a restored trainer may not do: end before it is, or lose its best weights."""

from __future__ import annotations

from specgraph.errors import CommandError
from specgraph.runs.run import Run, new_start
from specgraph.training.loop import Trainer


def refuse_epochs(run: Run, trainer: Trainer, epochs_before: int) -> None:
    """Raises `CommandError` where a restored run cannot be trained for so many epochs."""
    wanted, progress = trainer.recipe.epochs, trainer.progress
    begun = progress.epoch + (progress.step > 0)
    if wanted < begun:
        raise CommandError(
            f"{run.folder} has reached epoch {begun} already: it cannot end after {wanted}",
            f"continue it with --epochs {begun} or more, or start a new run: {new_start(run.folder)}",
        )
    if wanted != epochs_before and trainer.has_stopped_early():
        stopping = trainer.recipe.early_stopping
        assert stopping is not None
        raise CommandError(
            f"{run.folder} stopped early, after epoch {progress.epoch} "
            f"(early_stopping with patience {stopping.patience}): {wanted} epochs change nothing about that",
            f"start a new run: {new_start(run.folder)} --epochs {wanted}",
        )


def is_best_lost(run: Run, trainer: Trainer) -> bool:
    """Whether a restored run has finished an epoch but no `best.safetensors`."""
    return bool(trainer.progress.rows) and not (run.folder / "best.safetensors").exists()


def lost_best(run: Run, trainer: Trainer) -> CommandError:
    """What to say where the best weights so far are nowhere any more."""
    best = trainer.best_row()
    assert best is not None
    return CommandError(
        f"{run.folder} has no best.safetensors any more, the weights of epoch {int(best['epoch'])}, its best so far",
        f"put it back, or start a new run from those that are left: {new_start(run.folder)}",
    )
