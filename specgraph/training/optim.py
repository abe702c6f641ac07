"""Optimisers and learning rates from a recipe."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

NORMALISATION = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.LocalResponseNorm,
)
Schedule = Callable[[int], float]


def build_optimizer(
    choice: tuple[str, dict[str, Any]], module: nn.Module, device: torch.device
) -> torch.optim.Optimizer:
    """The optimiser of a recipe over the trainable parameters, fused where PyTorch has it fused.

    Parameters named by `no_decay` (`norm`, `bias`) form a group without weight decay.
    """
    name, fields = choice
    decayed, spared = split_parameters(module, fields["no_decay"])
    groups: list[dict[str, Any]] = []
    if decayed:
        groups.append({"params": decayed, "weight_decay": fields["weight_decay"]})
    if spared:
        groups.append({"params": spared, "weight_decay": 0.0})
    if not groups:
        raise ValueError("nothing to train: every parameter is frozen")
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


def build_schedule(choice: tuple[str, dict[str, Any]], base_lr: float, epochs: int, steps_per_epoch: int) -> Schedule:
    """The learning rate as a function of the step (from 0), so that nothing has to be saved.

    Warm-up rises linearly over the first `warmup_epochs`; cosine runs over what follows; the epochs
    of `step` and `multi_step` count from the start. `one_cycle` follows Smith and Topin 2017 with
    cosine annealing and leaves the momentum alone.
    """
    name, fields = choice
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
            low = fields["min_lr"]
            return float(low + (base_lr - low) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))
        if name == "one_cycle":
            return _one_cycle(step - warmup, total - warmup, base_lr, fields)
        return base_lr

    def rate(step: int) -> float:
        if step < warmup:
            return after_warmup(warmup) * (step + 1) / (warmup + 1)
        return after_warmup(step)

    return rate


def _one_cycle(step: int, total: int, peak: float, fields: dict[str, Any]) -> float:
    first: float = peak / fields["div_factor"]
    last: float = first / fields["final_div_factor"]
    rise = max(fields["pct_start"] * total - 1, 1e-9)
    fall = max(total - 1 - rise, 1e-9)
    if step <= rise:
        return _anneal(first, peak, step / rise)
    return _anneal(peak, last, min((step - rise) / fall, 1.0))


def _anneal(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))
