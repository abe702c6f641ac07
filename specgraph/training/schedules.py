"""Learning rates from a recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from specgraph.recipes.optimisation import (
    CosineSchedule,
    ExponentialSchedule,
    MultiStepSchedule,
    OneCycleSchedule,
    Optimizer,
    PlateauSchedule,
    PolynomialSchedule,
    RestartsSchedule,
    Schedule,
    StepSchedule,
)
from specgraph.training.optim import RATE_SCALE


class Rates(NamedTuple):
    """What changes from step to step (counted from 0): the learning rate, and the momentum (Adam's
    first beta) where the schedule cycles it. Of a `plateau` the rate also falls with the finished epochs."""

    rate: Callable[[int], float]
    momentum: Callable[[int], float] | None = None
    plateau: PlateauSchedule | None = None
    base: float = 0.0

    def drops(self, values: Sequence[float], mode: str) -> float:
        """The factor on the rate after these values of the metric, one for each finished epoch."""
        if self.plateau is None:
            return 1.0
        fallen = self.plateau.gamma ** count_drops(values, mode, self.plateau)
        return float(max(fallen, min(self.plateau.min_lr / self.base, 1.0)))

    def apply(self, optimizer: torch.optim.Optimizer, step: int, factor: float = 1.0) -> None:
        """Set an optimiser up for a step. `factor` is that of `drops`."""
        rate, momentum = self.rate(step) * factor, None if self.momentum is None else self.momentum(step)
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get(RATE_SCALE, 1.0)
            if momentum is not None and "betas" in group:
                group["betas"] = (momentum, group["betas"][1])
            elif momentum is not None:
                group["momentum"] = momentum


def build_schedule(choice: Schedule, optimizer: Optimizer, epochs: int, steps_per_epoch: int) -> Rates:
    """The learning rate (and momentum) as a function of the step, so that nothing has to be saved.

    Warm-up rises linearly over the first `warmup_epochs`; cosines, `polynomial` and `one_cycle` run over what
    follows; the epochs of `step`, `multi_step` and `exponential` count from the start. `one_cycle` follows Smith and
    Topin 2017 with cosine annealing: as the rate rises, the momentum falls, and in reverse;
    an optimiser without momentum keeps none. `plateau` also depends on the finished epochs: `Rates.drops`.
    """
    base_lr = optimizer.lr
    total = epochs * steps_per_epoch
    warmup = int(choice.warmup_epochs * steps_per_epoch + 0.5)

    def after_warmup(step: int) -> float:
        epoch = step // steps_per_epoch
        if isinstance(choice, StepSchedule):
            return float(base_lr * choice.gamma ** (epoch // choice.step_size))
        if isinstance(choice, MultiStepSchedule):
            return float(base_lr * choice.gamma ** sum(epoch >= milestone for milestone in choice.milestones))
        if isinstance(choice, ExponentialSchedule):
            return float(base_lr * choice.gamma**epoch)
        done = min((step - warmup) / max(total - warmup, 1), 1.0)
        if isinstance(choice, PolynomialSchedule):
            return choice.min_lr + (base_lr - choice.min_lr) * float((1 - done) ** choice.power)
        if isinstance(choice, CosineSchedule):
            return _anneal(base_lr, choice.min_lr, done)
        if isinstance(choice, RestartsSchedule):
            share = _share_of_period(step - warmup, choice.period * steps_per_epoch, choice.factor)
            return _anneal(base_lr, choice.min_lr, share)
        if isinstance(choice, OneCycleSchedule):
            first = base_lr / choice.div_factor
            cycle = (first, base_lr, first / choice.final_div_factor)
            return _one_cycle(step - warmup, total - warmup, choice.pct_start, *cycle)
        return base_lr

    def rate(step: int) -> float:
        if step < warmup:
            return after_warmup(warmup) * (step + 1) / (warmup + 1)
        return after_warmup(step)

    if isinstance(choice, PlateauSchedule):
        return Rates(rate, plateau=choice, base=base_lr)
    if not isinstance(choice, OneCycleSchedule) or not choice.cycle_momentum or not _has_momentum(optimizer):
        return Rates(rate)
    low, high, rising_share = choice.base_momentum, choice.max_momentum, choice.pct_start

    def momentum(step: int) -> float:
        return _one_cycle(max(step - warmup, 0), total - warmup, rising_share, high, low, high)

    return Rates(rate, momentum)


def _has_momentum(optimizer: Optimizer) -> bool:
    fields = optimizer.known()
    return "betas" in fields or fields.get("momentum", 0) > 0


def _share_of_period(step: int, period: int, factor: int) -> float:
    """How much of the present cosine is over: 0 at each restart."""
    while step >= period:
        step -= period
        period *= factor
    return step / period


def count_drops(values: Sequence[float], mode: str, plateau: PlateauSchedule) -> int:
    """How often a plateau schedule has dropped after these values of its metric, one for each epoch.

    As `torch.optim.lr_scheduler.ReduceLROnPlateau` with a relative threshold.
    """
    best, waited, resting, drops = -math.inf if mode == "max" else math.inf, 0, 0, 0
    for value in values:
        bound = best * (1 + plateau.threshold if mode == "max" else 1 - plateau.threshold)
        if value > bound if mode == "max" else value < bound:
            best, waited = value, 0
        else:
            waited += 1
        if resting > 0:
            resting, waited = resting - 1, 0
        if waited > plateau.patience:
            drops, resting, waited = drops + 1, plateau.cooldown, 0
    return drops


def _one_cycle(step: int, total: int, rising_share: float, first: float, middle: float, last: float) -> float:
    """A value that goes from `first` to `middle` in a share of the steps, then to `last`."""
    rise = max(rising_share * total - 1, 1e-9)
    fall = max(total - 1 - rise, 1e-9)
    if step <= rise:
        return _anneal(first, middle, step / rise)
    return _anneal(middle, last, min((step - rise) / fall, 1.0))


def _anneal(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))
