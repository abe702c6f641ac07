"""Optimisers from a recipe: `torch.optim`'s, over groups of parameters."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from specgraph.errors import CommandError
from specgraph.recipes.optimisation import (
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Asgd,
    Muon,
    NAdam,
    Optimizer,
    RAdam,
    RmsProp,
    Sgd,
)
from specgraph.runs.weights import matches, paths_help
from specgraph.training.muon import MuonWithAdamW

NORMALISATION = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.LocalResponseNorm,
)
RATE_SCALE = "rate_scale"
"""Key of a group of parameters: its rate over the optimiser's."""


def build_optimizer(choice: Optimizer, module: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """The optimiser of a recipe over the trainable parameters, fused where PyTorch has it fused.

    Parameters form groups by weight decay (`no_decay` names those without) and by rate (`groups`, `layer_decay`).
    Raises `CommandError` where nothing is trainable, or a glob of `groups` fits no parameter.
    """
    groups = group_parameters(choice, module)
    if not groups:
        raise CommandError("nothing to train: every parameter is frozen", "leave a part out of --freeze")
    fused = device.type in ("cpu", "cuda")
    optim, lr = torch.optim, choice.lr
    match choice:
        case Sgd():
            return optim.SGD(groups, lr, momentum=choice.momentum, nesterov=choice.nesterov, fused=fused)
        case RmsProp():
            return optim.RMSprop(groups, lr, choice.alpha, choice.eps, momentum=choice.momentum, foreach=True)
        case AdamW():
            return optim.AdamW(groups, lr, betas=choice.betas, eps=choice.eps, fused=fused)
        case Adam():
            return optim.Adam(groups, lr, betas=choice.betas, eps=choice.eps, fused=fused)
        case NAdam():
            decoupled, decay = choice.decoupled_weight_decay, choice.momentum_decay
            return optim.NAdam(
                groups, lr, choice.betas, choice.eps, momentum_decay=decay, decoupled_weight_decay=decoupled
            )
        case RAdam():
            decoupled = choice.decoupled_weight_decay
            return optim.RAdam(groups, lr, choice.betas, choice.eps, decoupled_weight_decay=decoupled)
        case Adamax():
            return optim.Adamax(groups, lr, choice.betas, choice.eps)
        case Adagrad():
            first = choice.initial_accumulator_value
            return optim.Adagrad(groups, lr, choice.lr_decay, initial_accumulator_value=first, eps=choice.eps)
        case Adadelta():
            return optim.Adadelta(groups, lr, choice.rho, choice.eps)
        case Adafactor():
            return optim.Adafactor(groups, lr, choice.beta2_decay, d=choice.d)
        case Asgd():
            return optim.ASGD(groups, lr, choice.lambd, choice.alpha, choice.t0)
        case Muon():
            return MuonWithAdamW(
                groups,
                lr,
                momentum=choice.momentum,
                nesterov=choice.nesterov,
                ns_steps=choice.ns_steps,
                betas=choice.betas,
            )
    raise NotImplementedError(choice.tag)


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


def group_parameters(choice: Optimizer, module: nn.Module) -> list[dict[str, Any]]:
    """The groups of a module's trainable parameters, as `torch.optim` takes them, those with weight decay first.

    Raises `CommandError` where a glob of `groups` fits no parameter.
    """
    decayed, spared = split_parameters(module, choice.no_decay)
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    for pattern in choice.groups or ():
        if not any(matches(name, (pattern,)) for name in names.values()):
            raise CommandError(f"optimizer.groups: {pattern} fits no parameter", paths_help(names.values()))
    layers = layer_scales(choice.layer_decay, list(names.values()))
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameters, decay in ((decayed, choice.weight_decay), (spared, 0.0)):
        for parameter in parameters:
            name = names[id(parameter)]
            scale, own = layers.get(layer_of(name), 1.0), decay
            for pattern, group in (choice.groups or {}).items():
                if matches(name, (pattern,)):
                    scale = scale if group.lr is None else group.lr / choice.lr
                    own = own if group.weight_decay is None else group.weight_decay
            groups.setdefault((scale, own), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, **({} if scale == 1 else {RATE_SCALE: scale})}
        for (scale, decay), parameters in groups.items()
    ]


def layer_of(name: str) -> str:
    """The layer of a parameter: the outermost node on its path, or the instance of an outermost repeat."""
    parts = name.split(".")
    numbered = next((place for place, part in enumerate(parts) if part.isdecimal()), 0)
    return ".".join(parts[: numbered + 1])


def layer_scales(decay: float | None, names: list[str]) -> dict[str, float]:
    """Each layer's rate over the last layer's, for parameters in the network's order."""
    if decay is None:
        return {}
    layers = list(dict.fromkeys(map(layer_of, names)))
    return {layer: decay**distance for distance, layer in enumerate(reversed(layers))}
