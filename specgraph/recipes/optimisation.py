"""The parts `optimizer` and `schedule` of a recipe."""

from __future__ import annotations

from typing import Literal

from specgraph.kinds.kinds import Bool, Choice, Int, ListOf, Number
from specgraph.kinds.records import Tagged
from specgraph.kinds.settings import Settings, record_of, setting
from specgraph.recipes.elsewhere import OPTIMIZERS_ELSEWHERE, SCHEDULES_ELSEWHERE

POSITIVE = Number(above=0)
NON_NEGATIVE = Number(0)


WEIGHT_DECAY = setting(NON_NEGATIVE, "L2 penalty (decoupled for adamw)", default=0.0)
BETAS = setting(ListOf(Number(0, below=1), 2, 2), "decay of the two running averages", default=(0.9, 0.999))
EPS = setting(POSITIVE, "added to the denominator", default=1e-8)
MOMENTUM = setting(Number(0, below=1), "share of the last step that is kept", default=0.0)
NO_DECAY = setting(ListOf(Choice("norm", "bias")), "parameters that weight decay leaves alone", default=())


class Optimizer(Settings):
    """What every optimiser has."""

    lr: float
    weight_decay: float
    no_decay: tuple[Literal["norm", "bias"], ...]


class Sgd(Optimizer, tag="sgd"):
    """`torch.optim.SGD`."""

    lr: float = setting(POSITIVE, "learning rate", default=0.1)
    momentum: float = MOMENTUM
    weight_decay: float = WEIGHT_DECAY
    nesterov: bool = setting(Bool(), "Nesterov momentum", default=False)
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY


class Adam(Optimizer, tag="adam"):
    """`torch.optim.Adam`."""

    lr: float = setting(POSITIVE, "learning rate", default=1e-3)
    betas: tuple[float, float] = BETAS
    eps: float = EPS
    weight_decay: float = WEIGHT_DECAY
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY


class AdamW(Optimizer, tag="adamw"):
    """`torch.optim.AdamW`."""

    lr: float = setting(POSITIVE, "learning rate", default=1e-3)
    betas: tuple[float, float] = BETAS
    eps: float = EPS
    weight_decay: float = setting(NON_NEGATIVE, "decoupled weight decay", default=0.01)
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY


class RmsProp(Optimizer, tag="rmsprop"):
    """`torch.optim.RMSprop`."""

    lr: float = setting(POSITIVE, "learning rate", default=1e-2)
    alpha: float = setting(Number(0, below=1), "decay of the running average", default=0.99)
    eps: float = EPS
    momentum: float = MOMENTUM
    weight_decay: float = WEIGHT_DECAY
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY


OPTIMIZER = Tagged("optimizer", *map(record_of, (Sgd, Adam, AdamW, RmsProp)), absent=OPTIMIZERS_ELSEWHERE)

WARMUP = setting(NON_NEGATIVE, "epochs of linear warm-up from (almost) 0", default=0)
GAMMA = setting(POSITIVE, "factor at each drop", default=0.1)


class Schedule(Settings):
    """What every schedule of the learning rate has."""

    warmup_epochs: float


class ConstantSchedule(Schedule, tag="constant"):
    """The same rate throughout."""

    warmup_epochs: float = WARMUP


class StepSchedule(Schedule, tag="step"):
    """Drops at regular intervals."""

    step_size: int = setting(Int(1), "epochs between two drops")
    gamma: float = GAMMA
    warmup_epochs: float = WARMUP


class MultiStepSchedule(Schedule, tag="multi_step"):
    """Drops at given epochs."""

    milestones: tuple[int, ...] = setting(ListOf(Int(1), 1), "epochs at which the rate drops")
    gamma: float = GAMMA
    warmup_epochs: float = WARMUP


class CosineSchedule(Schedule, tag="cosine"):
    """Half a cosine, down to `min_lr`."""

    warmup_epochs: float = WARMUP
    min_lr: float = setting(NON_NEGATIVE, "rate at the end", default=0.0)


class OneCycleSchedule(Schedule, tag="one_cycle"):
    """One rise and one fall (Smith and Topin 2017)."""

    warmup_epochs: float = WARMUP
    pct_start: float = setting(Number(0, 1), "share of the steps that the rate rises", default=0.3)
    div_factor: float = setting(POSITIVE, "peak rate over first rate", default=25.0)
    final_div_factor: float = setting(POSITIVE, "first rate over last rate", default=1e4)
    cycle_momentum: bool = setting(
        Bool(), "momentum (Adam: the first beta) falls while the rate rises, then rises", default=True
    )
    base_momentum: float = setting(Number(0, below=1), "momentum at the peak rate", default=0.85)
    max_momentum: float = setting(Number(0, below=1), "momentum at the first and last rate", default=0.95)


SCHEDULE = Tagged(
    "schedule",
    *map(record_of, (ConstantSchedule, StepSchedule, MultiStepSchedule, CosineSchedule, OneCycleSchedule)),
    foreign={
        "StepLR": "step",
        "MultiStepLR": "multi_step",
        "CosineAnnealingLR": "cosine",
        "cosine_annealing": "cosine",
        "OneCycleLR": "one_cycle",
        "ConstantLR": "constant",
        "none": "constant",
        "cosine_decay": "cosine",
        "multistep": "multi_step",
        "piecewise_constant": "multi_step",
    },
    absent=SCHEDULES_ELSEWHERE,
)
