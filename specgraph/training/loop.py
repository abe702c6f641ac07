"""The training loop."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from specgraph.datasets.random import derive_seed
from specgraph.recipes.recipe import Recipe
from specgraph.runs.folder import best_row
from specgraph.tasks.task import LOSS_METRIC, Metric, Objective, Wanted
from specgraph.training.distributed import World
from specgraph.training.evaluation import Scores, autocast, evaluate_and_judge
from specgraph.training.feed import Batch, EvalFeed, TrainFeed, num_parts, usual_sizes
from specgraph.training.losses import total_loss
from specgraph.training.optim import build_optimizer
from specgraph.training.packed import arguments_of, split_inputs
from specgraph.training.schedules import build_schedule
from specgraph.training.tensors import group_by_type
from specgraph.training.totals import EpochTotals

WATCH_EVERY = 25
WATCH_EVERY_S = 0.5
AGREE_EVERY = 20
Row = dict[str, float]


class DivergedError(Exception):
    """The loss, in training or validation, or a weight is no longer finite."""


@dataclass
class Progress:
    """Where a run stands: `step` counts the steps done of `epoch` (from 0); `rows` are the finished
    epochs; `totals` are the current epoch's loss and counts so far."""

    totals: EpochTotals
    epoch: int = 0
    step: int = 0
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0


class Trainer:
    """One network, one recipe, one feed. Until `is_finished()`: `steps()` trains an epoch, `finish_epoch()` closes it.

    `module` is any `nn.Module` from images, an argument for each input, to scores (or to a dict of scores, of which
    `main` is the network's answer). Everything random is a function of (seed, epoch, step), so the state is the
    weights, the optimiser's averages and two integers.
    """

    def __init__(
        self,
        module: nn.Module,
        recipe: Recipe,
        train_feed: TrainFeed,
        validation_feed: EvalFeed,
        world: World,
        objective: Objective,
        *,
        wanted: Wanted | None = None,
        main: str = "output",
        precision: str = "fp32",
        compiled: bool = False,
        frozen: tuple[str, ...] = (),
    ) -> None:
        self.module = module
        self.recipe = recipe
        self.train_feed = train_feed
        self.validation_feed = validation_feed
        self.world = world
        self.main = main
        self.precision = precision
        self.compiled = compiled
        self.frozen = frozen
        self.objective = objective
        self.running_metric = objective.task.metrics[0]
        self.wanted = wanted or Wanted(self.running_metric, self.running_metric.mode)
        self.optimizer = build_optimizer(recipe.optimizer, module, world.device)
        steps = train_feed.steps_per_epoch
        self.schedule = build_schedule(recipe.schedule, recipe.optimizer, recipe.epochs, steps)
        self.scaler = torch.amp.GradScaler(world.device.type, enabled=precision == "fp16")
        self.ema = copy.deepcopy(module).requires_grad_(False) if recipe.ema else None
        kept = () if self.ema is None else group_by_type(self.ema.buffers())
        self._buffer_pairs = [*zip(kept, group_by_type(module.buffers()), strict=False)]
        self.has_diverged = False
        self.progress = Progress(EpochTotals(world.device, objective))
        self.watched = (math.nan, math.nan)
        self._trained = [p for p in module.parameters() if p.requires_grad]
        self._numbers: dict[float, Tensor] = {}
        self._factor = 1.0
        self._runner: nn.Module = module
        if world.is_distributed:
            ids = [world.device.index] if world.device.type == "cuda" else None
            several = bool(frozen) or bool(recipe.loss_weights)
            self._runner = DistributedDataParallel(
                module, device_ids=ids, find_unused_parameters=several, gradient_as_bucket_view=True
            )
        # Each shape is compiled by itself: a resumed run, which meets them in another order, runs the same code.
        self._fast = torch.compile(self._runner, dynamic=False) if compiled else self._runner
        self._usual_sizes = usual_sizes(world, train_feed.batch_size, recipe.accumulate, train_feed.least)

    @property
    def best_module(self) -> nn.Module:
        """What is evaluated and saved: the averaged weights where the recipe asks for them."""
        return self.ema if self.ema is not None else self.module

    @property
    def global_step(self) -> int:
        """Optimiser steps done."""
        return self.progress.epoch * self.train_feed.steps_per_epoch + self.progress.step

    def is_finished(self) -> bool:
        """Whether all epochs are done, or validation has not improved for as long as the recipe waits."""
        return self.progress.epoch >= self.recipe.epochs or self.has_stopped_early()

    def current_rate(self) -> float:
        """The learning rate of the last step."""
        return self.schedule.rate(max(self.global_step - 1, 0)) * self._rate_factor()

    def _rate_factor(self) -> float:
        """How far a plateau schedule has lowered the rate, from the finished epochs: nothing of it has to be saved."""
        if self.schedule.plateau is None:
            return 1.0
        name = f"val_{self.wanted.metric.name}"
        return self.schedule.drops([row[name] for row in self.progress.rows], self.wanted.mode)

    def steps(self) -> Iterator[int]:
        """Train the rest of the current epoch, yielding after each step. Raises `DivergedError`
        within 2 x 25 steps after the loss stopped being finite; nothing waits for the device. Of several
        processes each notes it in `has_diverged`, and all raise together at the epoch's end: one that left
        alone would let the others wait for it."""
        self.set_training()
        self._factor = self._rate_factor()
        progress, watch = self.progress, _Watch(self.world.device, self.objective)
        started, watched_at = time.perf_counter() - progress.seconds, progress.seconds
        for batch in self.train_feed.batches(progress.epoch, progress.step):
            self.step(batch)
            progress.step += 1
            progress.seconds = time.perf_counter() - started
            if progress.step % WATCH_EVERY == 0 or progress.seconds >= watched_at + WATCH_EVERY_S:
                self._watch(watch.look)
                watched_at = progress.seconds
            yield progress.step
        self._watch(watch.last)
        self.agree_on_divergence()
        progress.seconds = time.perf_counter() - started

    def _watch(self, look: Callable[[Tensor], tuple[float, float]]) -> None:
        try:
            self.watched = look(self.progress.totals.read())
        except DivergedError:
            if not self.world.is_distributed:
                raise
            self.has_diverged = True

    def agree_on_divergence(self) -> None:
        """Raises `DivergedError` in all processes where one has diverged. Called by all together."""
        (diverged,) = self.world.any_of([int(self.has_diverged)])
        if diverged:
            raise DivergedError

    def set_training(self) -> None:
        """Training mode, except that frozen normalisation keeps its statistics."""
        self._runner.train()
        for path in self.frozen:
            owner = self.module.get_submodule(path)
            if not any(parameter.requires_grad for parameter in owner.parameters()):
                owner.eval()

    def step(self, batch: Batch) -> None:
        """One optimiser step on this process's part of a batch."""
        step = self.global_step
        self._seed(step)
        self.schedule.apply(self.optimizer, step, self._factor)
        parts = self._parts(batch)
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            with self._without_sync(not last):
                self._backward(part)
        if self.recipe.grad_clip is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self._trained, self.recipe.grad_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        for parameter in self._trained:  # as `zero_grad` does, without its profiling hooks
            parameter.grad = None
        if self.ema is not None:
            self._average(step)

    def _backward(self, part: Batch) -> None:
        # Parts of the last batch, of sizes of their own, run uncompiled.
        run = self._fast if part.labels.shape[0] in self._usual_sizes else self._runner
        with autocast(self.world.device, self.precision):
            outputs = run(*arguments_of(part.x_nchw))
            weights = self.recipe.loss_weights
            total, value, scores = total_loss(self.objective, outputs, self.main, weights, part.labels, part.mix)
        # Each process averages over its own images; DDP averages over processes.
        share = part.weight * self.world.size / part.num_global
        self.scaler.scale(total).backward(self._number(share))  # type: ignore[no-untyped-call]
        if part.weight:
            self.progress.totals.add(value, scores, part.labels)

    def finish_epoch(self, between: Callable[[], None] | None = None) -> Row:
        """Evaluate on the validation set and close the epoch. `between` is called after each batch;
        what it raises leaves the epoch's steps done and the epoch open."""
        loss_sum, *counts, count = self.world.sum(self.progress.totals.read()).tolist()
        if not math.isfinite(loss_sum):
            raise DivergedError
        validation = self.evaluate(self.validation_feed, between)
        if not math.isfinite(validation.loss):
            raise DivergedError(f"the loss on the validation set is {validation.loss}")
        seconds = self.progress.seconds
        row: Row = {
            "epoch": self.progress.epoch + 1,
            "train_loss": loss_sum / max(count, 1),
            f"train_{self.running_metric.name}": self.objective.running(counts, count),
            "val_loss": validation.loss,
            **{f"val_{metric.name}": validation.metrics[metric.name] for metric in self._kept_metrics()},
            "lr": self.current_rate(),
            "seconds": seconds,
            "images_per_second": count / seconds if seconds else 0.0,
        }
        self.progress.rows.append(row)
        self.progress.epoch += 1
        self.progress.step = 0
        self.progress.seconds = 0.0
        self.progress.totals.reset()
        return row

    def evaluate(self, feed: EvalFeed, between: Callable[[], None] | None = None) -> Scores:
        """Loss and metrics of the current (averaged) weights, with rank 0's batch statistics, which are those
        that are saved. Called by all processes together."""
        self.world.broadcast(list(self.best_module.buffers()))
        scores, judge = evaluate_and_judge(
            self.best_module,
            feed,
            self.objective,
            self.world,
            main=self.main,
            flip=self.recipe.test_time_flip,
            between=between,
        )
        self.objective.tune(judge)
        return scores

    def best_row(self) -> Row | None:
        """The best epoch so far."""
        return best_row(self.progress.rows, self.wanted.metric.name, self.wanted.mode)

    def _kept_metrics(self) -> list[Metric]:
        """The metrics that the rows hold: all of the task, of classification the accuracy and what picks the epoch."""
        kept = self.objective.task.metrics
        if self.objective.task.name == "classification":
            kept = (kept[0], self.wanted.metric)
        return [metric for metric in dict.fromkeys(kept) if metric is not LOSS_METRIC]

    def has_stopped_early(self) -> bool:
        """Whether validation has not improved for as long as the recipe waits."""
        stopping, best = self.recipe.early_stopping, self.best_row()
        return bool(stopping and best and self.progress.epoch - best["epoch"] >= stopping.patience)

    # state -------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything needed to continue, tensors included. Raises `DivergedError` where a weight is
        not finite. Called by all processes together."""
        progress = self.progress
        self.has_diverged |= not self._is_finite()
        self.agree_on_divergence()
        return {
            "module": self.module.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "epoch": progress.epoch,
            "step": progress.step,
            "rows": progress.rows,
            "sums": self.world.sum(progress.totals.read()),
            "seconds": progress.seconds,
            "objective": self.objective.saved(),
            "compiled": self.compiled,
            "precision": self.precision,
        }

    def _is_finite(self) -> bool:
        """Whether all weights are, at one look: their largest magnitude is, for it keeps what is not a number."""
        filled = [parameter.detach() for parameter in self._trained if parameter.numel()]
        return not filled or math.isfinite(float(nn.utils.get_total_norm(filled, math.inf)))

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.module.load_state_dict(state["module"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.objective.restore(state.get("objective", {}))
        progress = self.progress
        progress.epoch, progress.step, progress.rows = state["epoch"], state["step"], list(state["rows"])
        progress.seconds = state["seconds"]
        progress.totals.reset()
        if self.world.is_writer:  # sums are over all processes: only one carries them on
            progress.totals.set(state["sums"])

    # parts of a step ---------------------------------------------------------------------------

    def _seed(self, step: int) -> None:
        """What dropout draws is a function of (seed, step, rank): nothing of it has to be saved."""
        seed = derive_seed(self.recipe.seed, "step", step, self.world.rank)
        torch.default_generator.manual_seed(seed)
        if self.world.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _parts(self, batch: Batch) -> list[Batch]:
        count = num_parts(batch.labels.shape[0], self.recipe.accumulate, self.train_feed.least)
        if count == 1:
            return [batch]
        xs = split_inputs(batch.x_nchw, lambda x: x.tensor_split(count))
        labels = batch.labels.tensor_split(count)
        others = batch.mix.other.tensor_split(count) if batch.mix else None
        return [
            batch._replace(
                x_nchw=xs[index],
                labels=labels[index],
                mix=batch.mix._replace(other=others[index]) if batch.mix and others else None,
            )
            for index in range(count)
        ]

    def _number(self, value: float) -> Tensor:
        """A number as a tensor on the device, made once."""
        if value not in self._numbers:
            self._numbers[value] = torch.tensor(value, device=self.world.device)
        return self._numbers[value]

    def _without_sync(self, wanted: bool) -> AbstractContextManager[object]:
        runner = self._runner
        return runner.no_sync() if wanted and isinstance(runner, DistributedDataParallel) else nullcontext()

    @torch.no_grad()
    def _average(self, step: int) -> None:
        """Exponential moving average of weights; quicker at first, so that early weights fade.
        Buffers are copied."""
        assert self.ema is not None
        assert self.recipe.ema is not None
        decay = min(self.recipe.ema, (1 + step) / (10 + step))
        averaged: list[Tensor] = list(self.ema.parameters())
        current_weights: list[Tensor] = list(self.module.parameters())
        torch._foreach_lerp_(averaged, current_weights, 1 - decay)
        for kept, current in self._buffer_pairs:
            torch._foreach_copy_(kept, current)


class _Watch:
    """Reads the running loss without making the device wait: each look returns what the look before
    asked for."""

    def __init__(self, device: torch.device, objective: Objective) -> None:
        self.on_gpu = device.type == "cuda"
        self.objective = objective
        self._host = torch.zeros(2 + objective.num_counts, dtype=torch.float64, pin_memory=self.on_gpu)
        self._asked: torch.cuda.Event | None = None

    def look(self, sums: Tensor) -> tuple[float, float]:
        """Mean loss and running metric so far of this epoch. Raises `DivergedError` where it is not finite."""
        if not self.on_gpu:
            return self._mean(sums)
        seen = (math.nan, math.nan)
        if self._asked is not None:
            self._asked.synchronize()
            seen = self._mean(self._host)
        self._host.copy_(sums, non_blocking=True)
        self._asked = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._asked.record()
        return seen

    def last(self, sums: Tensor) -> tuple[float, float]:
        """Mean loss and running metric now, waiting for it."""
        return self._mean(sums)

    def _mean(self, sums: Tensor) -> tuple[float, float]:
        loss_sum, *counts, count = sums.tolist()
        if not math.isfinite(loss_sum):
            raise DivergedError
        return loss_sum / max(count, 1), self.objective.running(counts, count)
