"""Optimisers and learning rates from a recipe."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from specgraph.errors import CommandError
from specgraph.recipes.optimisation import (
    Adam,
    AdamW,
    CosineSchedule,
    MultiStepSchedule,
    OneCycleSchedule,
    Optimizer,
    RmsProp,
    Schedule,
    Sgd,
    StepSchedule,
)

NORMALISATION = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.LocalResponseNorm,
)


class Rates(NamedTuple):
    """What changes from step to step (counted from 0): the learning rate, and the momentum (Adam's
    first beta) where the schedule cycles it."""

    rate: Callable[[int], float]
    momentum: Callable[[int], float] | None = None

    def apply(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """Set an optimiser up for a step."""
        for group in optimizer.param_groups:
            group["lr"] = self.rate(step)
            if self.momentum is not None and "betas" in group:
                group["betas"] = (self.momentum(step), group["betas"][1])
            elif self.momentum is not None:
                group["momentum"] = self.momentum(step)


def build_optimizer(choice: Optimizer, module: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """The optimiser of a recipe over the trainable parameters, fused where PyTorch has it fused.

    Parameters named by `no_decay` (`norm`, `bias`) form a group without weight decay. Raises
    `CommandError` where nothing is trainable.
    """
    decayed, spared = split_parameters(module, choice.no_decay)
    groups: list[dict[str, Any]] = []
    if decayed:
        groups.append({"params": decayed, "weight_decay": choice.weight_decay})
    if spared:
        groups.append({"params": spared, "weight_decay": 0.0})
    if not groups:
        raise _nothing_to_train(module)
    fused = device.type in ("cpu", "cuda")
    lr = choice.lr
    if isinstance(choice, Sgd):
        return torch.optim.SGD(groups, lr, momentum=choice.momentum, nesterov=choice.nesterov, fused=fused)
    if isinstance(choice, RmsProp):
        return torch.optim.RMSprop(
            groups, lr, alpha=choice.alpha, eps=choice.eps, momentum=choice.momentum, foreach=True
        )
    if isinstance(choice, Adam | AdamW):
        kind = torch.optim.AdamW if isinstance(choice, AdamW) else torch.optim.Adam
        return kind(groups, lr, betas=choice.betas, eps=choice.eps, fused=fused)
    raise NotImplementedError(choice.tag)


def _nothing_to_train(module: nn.Module) -> CommandError:
    if next(module.parameters(), None) is None:
        return CommandError("nothing to train: the network has no parameters", "add a conv or a linear to it")
    return CommandError("nothing to train: every parameter is frozen", "leave a part out of --freeze")


def split_parameters(module: nn.Module, no_decay: tuple[str, ...]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Trainable parameters (with weight decay, without)."""
    decayed: list[nn.Parameter] = []
    spared: list[nn.Parameter] = []
    seen: set[int] = set()
    for owner in module.modules():
        is_norm = isinstance(owner, NORMALISATION) or "Norm" in type(owner).__name__
        for name, parameter in owner.named_parameters(recurse=False):
            if not parameter.requires_grad or id(parameter) in seen:
                continue
            seen.add(id(parameter))
            is_bias = name.endswith("bias")
            spare = ("norm" in no_decay and is_norm) or ("bias" in no_decay and is_bias)
            (spared if spare else decayed).append(parameter)
    return decayed, spared


def build_schedule(choice: Schedule, optimizer: Optimizer, epochs: int, steps_per_epoch: int) -> Rates:
    """The learning rate (and momentum) as a function of the step, so that nothing has to be saved.

    Warm-up rises linearly over the first `warmup_epochs`; cosine and `one_cycle` run over what
    follows; the epochs of `step` and `multi_step` count from the start. `one_cycle` follows Smith and
    Topin 2017 with cosine annealing: as the rate rises, the momentum falls, and in reverse;
    an optimiser without momentum keeps none.
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
        if isinstance(choice, CosineSchedule):
            done = (step - warmup) / max(total - warmup, 1)
            return _anneal(base_lr, choice.min_lr, min(done, 1.0))
        if isinstance(choice, OneCycleSchedule):
            first = base_lr / choice.div_factor
            cycle = (first, base_lr, first / choice.final_div_factor)
            return _one_cycle(step - warmup, total - warmup, choice.pct_start, *cycle)
        return base_lr

    def rate(step: int) -> float:
        if step < warmup:
            return after_warmup(warmup) * (step + 1) / (warmup + 1)
        return after_warmup(step)

    if not isinstance(choice, OneCycleSchedule) or not choice.cycle_momentum or not _has_momentum(optimizer):
        return Rates(rate)
    low, high, rising_share = choice.base_momentum, choice.max_momentum, choice.pct_start

    def momentum(step: int) -> float:
        return _one_cycle(max(step - warmup, 0), total - warmup, rising_share, high, low, high)

    return Rates(rate, momentum)


def _has_momentum(optimizer: Optimizer) -> bool:
    return not isinstance(optimizer, Sgd | RmsProp) or optimizer.momentum > 0


def _one_cycle(step: int, total: int, rising_share: float, first: float, middle: float, last: float) -> float:
    """A value that goes from `first` to `middle` in a share of the steps, then to `last`."""
    rise = max(rising_share * total - 1, 1e-9)
    fall = max(total - 1 - rise, 1e-9)
    if step <= rise:
        return _anneal(first, middle, step / rise)
    return _anneal(middle, last, min((step - rise) / fall, 1.0))


def _anneal(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))
