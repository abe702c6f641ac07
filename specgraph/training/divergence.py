"""Naming what broke first when the loss is no longer finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from specgraph.errors import CommandError
from specgraph.runs.checkpoint import Checkpoints
from specgraph.training.loop import Trainer

MAX_REPLAYED_STEPS = 2000


class DivergedRunError(CommandError):
    """A run has ended because its loss is no longer finite."""


def explain_divergence(trainer: Trainer, checkpoints: Checkpoints, build_again: Callable[[], Trainer]) -> str:
    """Which layer was the first to give a value that is not finite, and at which step.

    The steps since the last checkpoint are done again, which gives the same numbers, with every
    layer watched. Without a checkpoint they begin with what `build_again` makes, the trainer before its first
    step.
    """
    goal = trainer.global_step
    if trainer.world.is_distributed:
        return bad_parameter(trainer.module) or "a layer's output overflowed"
    found = checkpoints.newest()
    if found is not None:
        trainer.restore(found[0])
    else:
        fresh = build_again()
        trainer.module.load_state_dict(fresh.module.state_dict())
        trainer.restore({**fresh.state(), "module": fresh.module.state_dict()})
    trainer._fast = trainer._runner  # hooks see inside uncompiled modules only
    watcher = FiniteWatcher(trainer.module)
    try:
        for _ in range(MAX_REPLAYED_STEPS):
            progress = trainer.progress
            if trainer.global_step > goal:
                break
            for batch in trainer.train_feed.batches(progress.epoch, progress.step):
                trainer.set_training()
                trainer.step(batch)
                progress.step += 1
                if watcher.first is not None:
                    return f"`{watcher.first}` gave the first value that is not finite, at step {progress.step}"
                bad = bad_parameter(trainer.module)
                if bad is not None:
                    return f"{bad}, at step {progress.step}"
                if trainer.global_step > goal:
                    break
            else:
                trainer.progress.epoch += 1
                trainer.progress.step = 0
    finally:
        watcher.remove()
    return "the loss itself overflowed"


def bad_parameter(module: nn.Module) -> str | None:
    """What to say of the first parameter that is not finite, or None."""
    for name, parameter in module.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            return f"the update of `{name}` was not finite"
    return None


class FiniteWatcher:
    """Watches the outputs of all leaf modules. `first` is the path of the first that is not finite."""

    def __init__(self, module: nn.Module) -> None:
        self.first: str | None = None
        self._handles = [
            child.register_forward_hook(self._hook(path))
            for path, child in module.named_modules()
            if path and next(child.children(), None) is None
        ]

    def remove(self) -> None:
        """Stop watching."""
        for handle in self._handles:
            handle.remove()

    def _hook(self, path: str) -> Any:
        def look(module: nn.Module, inputs: Any, output: Any) -> None:
            if self.first is None and isinstance(output, Tensor) and not bool(torch.isfinite(output).all()):
                self.first = path

        return look
