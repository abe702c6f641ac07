"""Loss and metrics over a set: evaluation mode, no gradients, means over images."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from specgraph.tasks.exhibits import Worst
from specgraph.tasks.task import Judge, Objective
from specgraph.training.distributed import World
from specgraph.training.feed import EvalFeed
from specgraph.training.packed import NetworkInput, arguments_of, each_input
from specgraph.training.tf32 import ieee_single


class Scores(NamedTuple):
    """Mean loss and the task's metrics over all images of a set."""

    loss: float
    metrics: dict[str, float]
    num_images: int


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The context in which the forward pass runs in `bf16` or `fp16`; nothing for `fp32`."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16 if precision == "bf16" else torch.float16)


def forward_scores(module: nn.Module, x: NetworkInput, main: str, objective: Objective, *, flip: bool) -> Tensor:
    """Scores in evaluation mode; with `flip`, those of an image and its mirror image brought together."""

    def once(x: NetworkInput) -> Tensor:
        return objective.of_outputs(module(*arguments_of(x)), main).float()

    return objective.mirrored(once(x), once(each_input(x, lambda own: own.flip(-1)))) if flip else once(x)


@torch.no_grad()
def evaluate_and_judge(
    module: nn.Module,
    feed: EvalFeed,
    objective: Objective,
    world: World,
    *,
    main: str = "output",
    flip: bool = False,
    between: Callable[[], None] | None = None,
    num_worst: int = 0,
) -> tuple[Scores, Judge]:
    """Mean loss and metrics over a feed, of all processes, with what judged this process's part.

    Computed in IEEE single precision, without TF32, so that an exported model scores the same. The module is left in
    the mode it was in.
    `between` is called after each batch and may raise. The judge keeps `num_worst` images for a report.
    """
    was_training = module.training
    module.eval()
    sums = torch.zeros(2, dtype=torch.float64, device=world.device)
    judge = objective.judge(world.device)
    judge.worst = Worst(num_worst)
    with ieee_single(world.device):
        for x, targets, undone in feed.batches():
            scores = forward_scores(module, x, main, objective, flip=flip)
            sums[0] += objective.loss(scores, targets).double()
            sums[1] += len(targets)
            judge.add(scores, targets)
            if undone is not None:
                judge.compare(undone, targets)
            if between is not None:
                between()
    module.train(was_training)
    total_loss, count = world.sum(sums).tolist()
    if judge.sums is not None:
        judge.sums = world.sum(judge.sums)
    if judge.needs_rows:
        gather_rows(judge, world)
    return Scores(total_loss / max(count, 1), judge.metrics(), int(count)), judge


def evaluate_module(module: nn.Module, feed: EvalFeed, objective: Objective, world: World, **options: Any) -> Scores:
    """`evaluate_and_judge` without the judge."""
    return evaluate_and_judge(module, feed, objective, world, **options)[0]


def gather_rows(judge: Judge, world: World) -> None:
    """Give a judge the rows of all processes, in the set's order."""
    if not world.is_distributed:
        return
    rows = [tuple(column.cpu() for column in row) for row in judge.rows]
    judge.rows = [row for part in world.gather(rows) for row in part]
