"""The parts `optimizer` and `schedule` of a recipe."""

from __future__ import annotations

from typing import Literal

from specgraph.kinds.kinds import Bool, Choice, Either, Int, ListOf, Nothing, Number
from specgraph.kinds.records import MapOf, Tagged
from specgraph.kinds.settings import Settings, record_of, setting
from specgraph.recipes.elsewhere import OPTIMIZERS_ELSEWHERE, SCHEDULES_ELSEWHERE, SCHEDULES_HERE

POSITIVE = Number(above=0)
NON_NEGATIVE = Number(0)


WEIGHT_DECAY = setting(NON_NEGATIVE, "L2 penalty (decoupled for adamw)", default=0.0)
BETAS = setting(ListOf(Number(0, below=1), 2, 2), "decay of the two running averages", default=(0.9, 0.999))
EPS = setting(POSITIVE, "added to the denominator", default=1e-8)
MOMENTUM = setting(Number(0, below=1), "share of the last step that is kept", default=0.0)
NO_DECAY = setting(ListOf(Choice("norm", "bias")), "parameters that weight decay leaves alone", default=())
DECOUPLED = setting(Bool(), "weight decay as adamw has it, instead of an L2 penalty", default=False)


class Group(Settings):
    """What some parameters have instead of the optimiser's own values."""

    lr: float | None = setting(Either(NON_NEGATIVE, Nothing()), "learning rate of these parameters", default=None)
    weight_decay: float | None = setting(
        Either(NON_NEGATIVE, Nothing()), "weight decay of these parameters", default=None
    )


GROUPS = setting(
    Either(MapOf(record_of(Group, title="group")), Nothing()),
    "other rates and decays by glob of paths; of several globs that fit, the last holds",
    default=None,
)
LAYER_DECAY = setting(
    Either(Number(above=0, maximum=1), Nothing()),
    "factor on the rate from each layer to the one before it; a layer is an outermost node or one of a repeat",
    default=None,
)


class Optimizer(Settings):
    """What every optimiser has."""

    lr: float
    weight_decay: float
    no_decay: tuple[Literal["norm", "bias"], ...]
    groups: dict[str, Group] | None
    layer_decay: float | None


class Sgd(Optimizer, tag="sgd"):
    """`torch.optim.SGD`."""

    lr: float = setting(POSITIVE, "learning rate", default=0.1)
    momentum: float = MOMENTUM
    weight_decay: float = WEIGHT_DECAY
    nesterov: bool = setting(Bool(), "Nesterov momentum", default=False)
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY
    groups: dict[str, Group] | None = GROUPS
    layer_decay: float | None = LAYER_DECAY


class Adam(Optimizer, tag="adam"):
    """`torch.optim.Adam`."""

    lr: float = setting(POSITIVE, "learning rate", default=1e-3)
    betas: tuple[float, float] = BETAS
    eps: float = EPS
    weight_decay: float = WEIGHT_DECAY
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY
    groups: dict[str, Group] | None = GROUPS
    layer_decay: float | None = LAYER_DECAY


class AdamW(Optimizer, tag="adamw"):
    """`torch.optim.AdamW`."""

    lr: float = setting(POSITIVE, "learning rate", default=1e-3)
    betas: tuple[float, float] = BETAS
    eps: float = EPS
    weight_decay: float = setting(NON_NEGATIVE, "decoupled weight decay", default=0.01)
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY
    groups: dict[str, Group] | None = GROUPS
    layer_decay: float | None = LAYER_DECAY


class RmsProp(Optimizer, tag="rmsprop"):
    """`torch.optim.RMSprop`."""

    lr: float = setting(POSITIVE, "learning rate", default=1e-2)
    alpha: float = setting(Number(0, below=1), "decay of the running average", default=0.99)
    eps: float = EPS
    momentum: float = MOMENTUM
    weight_decay: float = WEIGHT_DECAY
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY
    groups: dict[str, Group] | None = GROUPS
    layer_decay: float | None = LAYER_DECAY


class NAdam(Optimizer, tag="nadam"):
    """`torch.optim.NAdam`."""

    lr: float = setting(POSITIVE, "learning rate", default=2e-3)
    betas: tuple[float, float] = BETAS
    eps: float = EPS
    momentum_decay: float = setting(NON_NEGATIVE, "decay of the momentum schedule", default=4e-3)
    weight_decay: float = WEIGHT_DECAY
    decoupled_weight_decay: bool = DECOUPLED
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY
    groups: dict[str, Group] | None = GROUPS
    layer_decay: float | None = LAYER_DECAY


class RAdam(Optimizer, tag="radam"):
    """`torch.optim.RAdam`."""

    lr: float = setting(POSITIVE, "learning rate", default=1e-3)
    betas: tuple[float, float] = BETAS
    eps: float = EPS
    weight_decay: float = WEIGHT_DECAY
    decoupled_weight_decay: bool = DECOUPLED
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY
    groups: dict[str, Group] | None = GROUPS
    layer_decay: float | None = LAYER_DECAY


class Adamax(Optimizer, tag="adamax"):
    """`torch.optim.Adamax`."""

    lr: float = setting(POSITIVE, "learning rate", default=2e-3)
    betas: tuple[float, float] = BETAS
    eps: float = EPS
    weight_decay: float = WEIGHT_DECAY
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY
    groups: dict[str, Group] | None = GROUPS
    layer_decay: float | None = LAYER_DECAY


class Adagrad(Optimizer, tag="adagrad"):
    """`torch.optim.Adagrad`."""

    lr: float = setting(POSITIVE, "learning rate", default=1e-2)
    lr_decay: float = setting(NON_NEGATIVE, "fall of the rate with the steps", default=0.0)
    initial_accumulator_value: float = setting(NON_NEGATIVE, "first sum of squares", default=0.0)
    eps: float = setting(POSITIVE, "added to the denominator", default=1e-10)
    weight_decay: float = WEIGHT_DECAY
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY
    groups: dict[str, Group] | None = GROUPS
    layer_decay: float | None = LAYER_DECAY


class Adadelta(Optimizer, tag="adadelta"):
    """`torch.optim.Adadelta`."""

    lr: float = setting(POSITIVE, "learning rate", default=1.0)
    rho: float = setting(Number(0, below=1), "decay of the two running averages", default=0.9)
    eps: float = setting(POSITIVE, "added under the roots", default=1e-6)
    weight_decay: float = WEIGHT_DECAY
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY
    groups: dict[str, Group] | None = GROUPS
    layer_decay: float | None = LAYER_DECAY


class Adafactor(Optimizer, tag="adafactor"):
    """`torch.optim.Adafactor`."""

    lr: float = setting(POSITIVE, "learning rate", default=1e-2)
    beta2_decay: float = setting(Number(below=0), "exponent of the decay of the squares", default=-0.8)
    d: float = setting(Number(1), "threshold at which an update is scaled down", default=1.0)
    weight_decay: float = setting(NON_NEGATIVE, "decoupled weight decay", default=0.0)
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY
    groups: dict[str, Group] | None = GROUPS
    layer_decay: float | None = LAYER_DECAY


class Asgd(Optimizer, tag="asgd"):
    """`torch.optim.ASGD`."""

    lr: float = setting(POSITIVE, "learning rate", default=1e-2)
    lambd: float = setting(NON_NEGATIVE, "decay term", default=1e-4)
    alpha: float = setting(NON_NEGATIVE, "power of the fall of the rate", default=0.75)
    t0: float = setting(NON_NEGATIVE, "step at which averaging starts", default=1e6)
    weight_decay: float = WEIGHT_DECAY
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY
    groups: dict[str, Group] | None = GROUPS
    layer_decay: float | None = LAYER_DECAY


class Muon(Optimizer, tag="muon"):
    """`torch.optim.Muon` for kernels and matrices, a kernel as one row per output channel; `torch.optim.AdamW` with
    the same rate and decay for vectors (Jordan et al. 2024). The update has the size of AdamW's (Liu et al. 2025)."""

    lr: float = setting(POSITIVE, "learning rate", default=1e-3)
    momentum: float = setting(Number(0, below=1), "share of the last step that is kept", default=0.95)
    nesterov: bool = setting(Bool(), "Nesterov momentum", default=True)
    ns_steps: int = setting(Int(1), "steps of the Newton-Schulz iteration", default=5)
    betas: tuple[float, float] = setting(
        ListOf(Number(0, below=1), 2, 2), "decay of the two running averages of vectors", default=(0.9, 0.999)
    )
    weight_decay: float = setting(NON_NEGATIVE, "decoupled weight decay", default=0.1)
    no_decay: tuple[Literal["norm", "bias"], ...] = NO_DECAY
    groups: dict[str, Group] | None = GROUPS
    layer_decay: float | None = LAYER_DECAY


OPTIMIZERS = (Sgd, Adam, AdamW, RmsProp, NAdam, RAdam, Adamax, Adagrad, Adadelta, Adafactor, Asgd, Muon)
OPTIMIZER = Tagged("optimizer", *map(record_of, OPTIMIZERS), absent=OPTIMIZERS_ELSEWHERE)

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


class ExponentialSchedule(Schedule, tag="exponential"):
    """The same factor after each epoch."""

    gamma: float = setting(POSITIVE, "factor after each epoch")
    warmup_epochs: float = WARMUP


class PolynomialSchedule(Schedule, tag="polynomial"):
    """(1 - share of the steps done) to a power, down to `min_lr`; power 1 is a line."""

    power: float = setting(POSITIVE, "exponent", default=1.0)
    min_lr: float = setting(NON_NEGATIVE, "rate at the end", default=0.0)
    warmup_epochs: float = WARMUP


class RestartsSchedule(Schedule, tag="cosine_restarts"):
    """Cosines down to `min_lr`, each starting at the full rate (Loshchilov and Hutter 2017)."""

    period: int = setting(Int(1), "epochs of the first cosine")
    factor: int = setting(Int(1), "length of each cosine over the one before", default=1)
    min_lr: float = setting(NON_NEGATIVE, "rate at the end of each cosine", default=0.0)
    warmup_epochs: float = WARMUP


class PlateauSchedule(Schedule, tag="plateau"):
    """Drops when the metric that picks the epoch (`best`) has not improved, as `ReduceLROnPlateau` does."""

    gamma: float = setting(Number(above=0, below=1), "factor at each drop", default=0.1)
    patience: int = setting(Int(0), "epochs without improvement before a drop", default=10)
    threshold: float = setting(NON_NEGATIVE, "relative change that counts as an improvement", default=1e-4)
    cooldown: int = setting(Int(0), "epochs after a drop that are not counted", default=0)
    min_lr: float = setting(NON_NEGATIVE, "rate below which it does not drop", default=0.0)
    warmup_epochs: float = WARMUP


SCHEDULES = (
    ConstantSchedule,
    StepSchedule,
    MultiStepSchedule,
    ExponentialSchedule,
    PolynomialSchedule,
    CosineSchedule,
    RestartsSchedule,
    OneCycleSchedule,
    PlateauSchedule,
)
SCHEDULE = Tagged(
    "schedule",
    *map(record_of, SCHEDULES),
    foreign=SCHEDULES_HERE,
    absent=SCHEDULES_ELSEWHERE,
)
