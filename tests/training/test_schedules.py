"""Schedules against `torch.optim.lr_scheduler`, value by value."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from specgraph.recipes.optimisation import OPTIMIZER, SCHEDULE
from specgraph.training.optim import build_optimizer
from specgraph.training.schedules import build_schedule

EPOCHS, STEPS = 6, 7
SGD = {"sgd": {"lr": 0.1, "momentum": 0.9}}
ADAMW = {"adamw": {"lr": 0.003}}
RMSPROP = {"rmsprop": {"lr": 0.01, "momentum": 0.5}}
Scheduler = Callable[[torch.optim.Optimizer, float], lr_scheduler.LRScheduler]


def one_cycle(**options: Any) -> Scheduler:
    return lambda optimizer, lr: lr_scheduler.OneCycleLR(optimizer, lr, total_steps=EPOCHS * STEPS, **options)


def warmed(rest: Scheduler, steps: int) -> Scheduler:
    """Linear warm-up as here: step k of n gives (k + 1) / (n + 1) of the rate that follows."""

    def build(optimizer: torch.optim.Optimizer, lr: float) -> lr_scheduler.LRScheduler:
        rising = lr_scheduler.LambdaLR(optimizer, lambda step: (step + 1) / (steps + 1))
        return lr_scheduler.SequentialLR(optimizer, [rising, rest(optimizer, lr)], [steps])

    return build


CASES: list[tuple[dict[str, Any], dict[str, Any], Scheduler]] = [
    ({"constant": {}}, SGD, lambda o, _: lr_scheduler.ConstantLR(o, factor=1.0)),
    ({"step": {"step_size": 2, "gamma": 0.3}}, SGD, lambda o, _: lr_scheduler.StepLR(o, 2 * STEPS, 0.3)),
    (
        {"multi_step": {"milestones": [1, 4], "gamma": 0.5}},
        ADAMW,
        lambda o, _: lr_scheduler.MultiStepLR(o, [STEPS, 4 * STEPS], 0.5),
    ),
    ({"cosine": {}}, SGD, lambda o, _: lr_scheduler.CosineAnnealingLR(o, EPOCHS * STEPS)),
    ({"cosine": {"min_lr": 0.01}}, SGD, lambda o, _: lr_scheduler.CosineAnnealingLR(o, EPOCHS * STEPS, 0.01)),
    (
        {"cosine": {"warmup_epochs": 2}},
        SGD,
        warmed(lambda o, _: lr_scheduler.CosineAnnealingLR(o, (EPOCHS - 2) * STEPS), 2 * STEPS),
    ),
    ({"constant": {"warmup_epochs": 1.5}}, SGD, warmed(lambda o, _: lr_scheduler.ConstantLR(o, factor=1.0), 11)),
    ({"one_cycle": {}}, SGD, one_cycle()),
    ({"one_cycle": {}}, ADAMW, one_cycle()),
    ({"one_cycle": {}}, RMSPROP, one_cycle()),
    (
        {"one_cycle": {"pct_start": 0.5, "div_factor": 10, "final_div_factor": 100, "base_momentum": 0.7}},
        SGD,
        one_cycle(pct_start=0.5, div_factor=10, final_div_factor=100, base_momentum=0.7),
    ),
    ({"exponential": {"gamma": 0.8}}, SGD, lambda o, _: lr_scheduler.MultiStepLR(o, [*range(7, 42, 7)], 0.8)),
    ({"polynomial": {}}, SGD, lambda o, _: lr_scheduler.PolynomialLR(o, EPOCHS * STEPS)),
    ({"polynomial": {"power": 0.9}}, ADAMW, lambda o, _: lr_scheduler.PolynomialLR(o, EPOCHS * STEPS, 0.9)),
    (
        {"polynomial": {"power": 2, "warmup_epochs": 1}},
        SGD,
        warmed(lambda o, _: lr_scheduler.PolynomialLR(o, (EPOCHS - 1) * STEPS, 2), STEPS),
    ),
    (
        {"cosine_restarts": {"period": 2, "min_lr": 0.001}},
        SGD,
        lambda o, _: lr_scheduler.CosineAnnealingWarmRestarts(o, 2 * STEPS, eta_min=0.001),
    ),
    (
        {"cosine_restarts": {"period": 1, "factor": 2}},
        ADAMW,
        lambda o, _: lr_scheduler.CosineAnnealingWarmRestarts(o, STEPS, 2),
    ),
    ({"one_cycle": {"max_momentum": 0.99}}, ADAMW, one_cycle(max_momentum=0.99)),
    ({"one_cycle": {"cycle_momentum": False}}, SGD, one_cycle(cycle_momentum=False)),
]


@pytest.mark.parametrize(("schedule", "optimizer", "theirs"), CASES, ids=[str(case[:2]) for case in CASES])
def test_every_step_is_as_in_torch(schedule: dict[str, Any], optimizer: dict[str, Any], theirs: Scheduler) -> None:
    choice = OPTIMIZER.check(optimizer)
    device = torch.device("cpu")
    own, reference = (build_optimizer(choice, nn.Linear(2, 2), device) for _ in range(2))
    ours = build_schedule(SCHEDULE.check(schedule), choice, EPOCHS, STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = theirs(reference, choice.lr)
        for step in range(EPOCHS * STEPS):
            ours.apply(own, step)
            (left,), (right,) = own.param_groups, reference.param_groups
            assert left["lr"] == pytest.approx(right["lr"], rel=1e-6, abs=1e-12), step
            for key in ("momentum", "betas"):
                assert (key in left) == (key in right)
                assert key not in left or left[key] == pytest.approx(right[key], rel=1e-6), step
            scheduler.step()


def test_momentum_is_cycled_only_where_there_is_one() -> None:
    without = OPTIMIZER.check({"sgd": {"lr": 0.1}})
    assert build_schedule(SCHEDULE.check("one_cycle"), without, EPOCHS, STEPS).momentum is None
    assert build_schedule(SCHEDULE.check("cosine"), OPTIMIZER.check(SGD), EPOCHS, STEPS).momentum is None


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(
    "fields",
    [
        {"patience": 0},
        {"patience": 2, "gamma": 0.5},
        {"patience": 1, "cooldown": 3, "threshold": 0.05},
        {"patience": 0, "min_lr": 0.02},
    ],
)
def test_a_plateau_drops_as_in_torch(fields: dict[str, Any], mode: Any) -> None:
    choice, schedule = OPTIMIZER.check(SGD), SCHEDULE.check({"plateau": fields})
    own, reference = (build_optimizer(choice, nn.Linear(2, 2), torch.device("cpu")) for _ in range(2))
    ours = build_schedule(schedule, choice, EPOCHS, STEPS)
    named = {"gamma": "factor"}
    theirs = lr_scheduler.ReduceLROnPlateau(
        reference, mode, eps=0, **{"patience": 10, **{named.get(name, name): value for name, value in fields.items()}}
    )
    draw = random.Random(len(fields))
    values: list[float] = []
    rates = set()
    for epoch in range(60):
        ours.apply(own, epoch * STEPS, ours.drops(values, mode))
        assert own.param_groups[0]["lr"] == pytest.approx(reference.param_groups[0]["lr"], rel=1e-9), epoch
        rates.add(own.param_groups[0]["lr"])
        values.append(draw.choice([1.0, 1.01, 0.97, 1 - epoch / 100, 1 + epoch / 100]))
        theirs.step(values[-1])
    assert len(rates) > 1
