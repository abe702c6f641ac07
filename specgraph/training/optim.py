"""Optimisers and learning rates from a recipe."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from specgraph.errors import CommandError

NORMALISATION = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.LocalResponseNorm,
)


class Schedule(NamedTuple):
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


def build_optimizer(
    choice: tuple[str, dict[str, Any]], module: nn.Module, device: torch.device
) -> torch.optim.Optimizer:
    """The optimiser of a recipe over the trainable parameters, fused where PyTorch has it fused.

    Parameters named by `no_decay` (`norm`, `bias`) form a group without weight decay. Raises
    `CommandError` where nothing is trainable.
    """
    name, fields = choice
    decayed, spared = split_parameters(module, fields["no_decay"])
    groups: list[dict[str, Any]] = []
    if decayed:
        groups.append({"params": decayed, "weight_decay": fields["weight_decay"]})
    if spared:
        groups.append({"params": spared, "weight_decay": 0.0})
    if not groups:
        raise _nothing_to_train(module)
    fused = device.type in ("cpu", "cuda")
    if name == "sgd":
        momentum, nesterov = fields["momentum"], fields["nesterov"]
        return torch.optim.SGD(groups, fields["lr"], momentum=momentum, nesterov=nesterov, fused=fused)
    if name == "rmsprop":
        return torch.optim.RMSprop(
            groups, fields["lr"], alpha=fields["alpha"], eps=fields["eps"], momentum=fields["momentum"], foreach=True
        )
    kind = torch.optim.AdamW if name == "adamw" else torch.optim.Adam
    return kind(groups, fields["lr"], betas=tuple(fields["betas"]), eps=fields["eps"], fused=fused)


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


def build_schedule(
    choice: tuple[str, dict[str, Any]], optimizer: tuple[str, dict[str, Any]], epochs: int, steps_per_epoch: int
) -> Schedule:
    """The learning rate (and momentum) as a function of the step, so that nothing has to be saved.

    Warm-up rises linearly over the first `warmup_epochs`; cosine and `one_cycle` run over what
    follows; the epochs of `step` and `multi_step` count from the start. `one_cycle` follows Smith and
    Topin 2017 with cosine annealing: as the rate rises, the momentum falls, and the other way round;
    an optimiser without momentum keeps none.
    """
    name, fields = choice
    base_lr: float = optimizer[1]["lr"]
    total = epochs * steps_per_epoch
    warmup = int(fields["warmup_epochs"] * steps_per_epoch + 0.5)

    def after_warmup(step: int) -> float:
        epoch = step // steps_per_epoch
        if name == "step":
            return float(base_lr * fields["gamma"] ** (epoch // fields["step_size"]))
        if name == "multi_step":
            return float(base_lr * fields["gamma"] ** sum(epoch >= milestone for milestone in fields["milestones"]))
        if name == "cosine":
            done = (step - warmup) / max(total - warmup, 1)
            return _anneal(base_lr, fields["min_lr"], min(done, 1.0))
        if name == "one_cycle":
            first = base_lr / fields["div_factor"]
            cycle = (first, base_lr, first / fields["final_div_factor"])
            return _one_cycle(step - warmup, total - warmup, fields["pct_start"], *cycle)
        return base_lr

    def rate(step: int) -> float:
        if step < warmup:
            return after_warmup(warmup) * (step + 1) / (warmup + 1)
        return after_warmup(step)

    def momentum(step: int) -> float:
        low, high = fields["base_momentum"], fields["max_momentum"]
        return _one_cycle(max(step - warmup, 0), total - warmup, fields["pct_start"], high, low, high)

    cycles = name == "one_cycle" and fields["cycle_momentum"]
    has_momentum = "betas" in optimizer[1] or optimizer[1]["momentum"] > 0
    return Schedule(rate, momentum if cycles and has_momentum else None)


def _one_cycle(step: int, total: int, rising_share: float, first: float, middle: float, last: float) -> float:
    """A value that goes from `first` to `middle` in a share of the steps, then to `last`."""
    rise = max(rising_share * total - 1, 1e-9)
    fall = max(total - 1 - rise, 1e-9)
    if step <= rise:
        return _anneal(first, middle, step / rise)
    return _anneal(middle, last, min((step - rise) / fall, 1.0))


def _anneal(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))
