"""Training recipes: every field, its kind, its default and what it means.

`RECIPE.check(plain)` gives a `Recipe`, and `to_plain` of one what may stand in a spec. It imports nothing heavy,
so that `check` can afford it.
"""

from __future__ import annotations

from typing import Any, Literal, TypeGuard

from specgraph.kinds.kinds import Bool, Choice, Either, Int, Nothing, Number, Text
from specgraph.kinds.records import MapOf, Tagged
from specgraph.kinds.settings import Settings, record_of, setting, to_plain
from specgraph.package_files import files_in
from specgraph.recipes.feeding import DATA, Data
from specgraph.recipes.losses import DEFAULT_LOSS, LOSS, Loss
from specgraph.recipes.optimisation import (
    NON_NEGATIVE,
    OPTIMIZER,
    POSITIVE,
    SCHEDULE,
    ConstantSchedule,
    Optimizer,
    Schedule,
    Sgd,
)
from specgraph.recipes.search import SEARCH, Search


class EarlyStopping(Settings):
    """When training stops before its last epoch."""

    patience: int = setting(Int(1), "epochs without improvement")


class Best(Settings):
    """Which epoch counts: by a metric of the validation set."""

    metric: str = setting(Text(), "a metric of the task, or loss")
    mode: Literal["max", "min"] | None = setting(
        Either(Choice("max", "min"), Nothing()), "whether more or less is better; default: the metric's", default=None
    )


TaskName = str
TASK_FILES = "specgraph.tasks.built_in"
TASK_NAMES: tuple[TaskName, ...] = tuple(
    name.removesuffix(".py") for name in files_in(TASK_FILES) if name.endswith(".py") and not name.startswith("_")
)
"""The tasks that are built in: each is a file of that folder."""
_TASK = Choice(*TASK_NAMES)
_ONE_OR_EACH = Either(
    _TASK, MapOf(_TASK), Nothing(), words=f"{_TASK.words}, a mapping from outputs to them, or nothing"
)


def task_names() -> tuple[TaskName, ...]:
    """All tasks, those of plug-ins last."""
    return _TASK.options


def is_task(name: str | None) -> TypeGuard[TaskName]:
    """Whether a word names a task."""
    return name in _TASK.options


def admit_task(name: TaskName) -> None:
    """Let recipes name a task of a plug-in."""
    _TASK.options = (*_TASK.options, name)
    _TASK.words = f"one of {', '.join(_TASK.options)}"
    _ONE_OR_EACH.words = f"{_TASK.words}, a mapping from outputs to them, or nothing"


class Recipe(Settings):
    """How a network is trained. `data` is None where a recipe names no data set, `task` where it does not state it
    (loss, head and data then say which it is)."""

    task: TaskName | dict[str, TaskName] | None = setting(
        _ONE_OR_EACH,
        "what is learnt, or what each output learns, by name; default: as loss, head and data say",
        default=None,
    )
    data: Data | None = setting(DATA, "the data set and how it is fed", default=None)
    epochs: int = setting(Int(1), "passes over the training set", default=10)
    batch_size: int = setting(Int(1), "images per step, over all processes", default=128)
    loss: Loss = setting(LOSS, "what is minimised; default: the task's own", default=DEFAULT_LOSS)
    loss_weights: dict[str, float] = setting(
        MapOf(NON_NEGATIVE), "weight of each extra output's loss, or of each output's", default={}
    )
    optimizer: Optimizer = setting(OPTIMIZER, "how", default=Sgd(momentum=0.9))
    schedule: Schedule = setting(SCHEDULE, "the learning rate over time", default=ConstantSchedule())
    precision: Literal["auto", "fp32", "bf16", "fp16"] = setting(
        Choice("auto", "fp32", "bf16", "fp16"), "of the forward and backward pass", default="auto"
    )
    grad_clip: float | None = setting(Either(POSITIVE, Nothing()), "largest norm of the gradient", default=None)
    accumulate: int = setting(Int(1), "parts a batch is split into, one after another", default=1)
    ema: float | None = setting(
        Either(Number(above=0, below=1), Nothing()), "decay of the averaged weights", default=None
    )
    best: Best | str | None = setting(
        Either(Text(), record_of(Best, title="best"), Nothing()),
        "the metric that picks the epoch, a name or a mapping; default: the task's first",
        default=None,
    )
    early_stopping: EarlyStopping | None = setting(
        Either(record_of(EarlyStopping, title="early_stopping"), Nothing()),
        "when to stop before the last epoch",
        default=None,
    )
    test_time_flip: bool = setting(Bool(), "average the predictions for an image and its mirror image", default=False)
    sync_batch_norm: bool = setting(Bool(), "batch statistics over all processes (CUDA)", default=False)
    seed: int = setting(Int(0), "of initialisation, order and augmentation", default=0)
    search: Search | None = setting(Either(SEARCH, Nothing()), "what `specgraph sweep` tries", default=None)


RECIPE = record_of(
    Recipe,
    title="recipe",
    foreign={"lr_scheduler": "schedule", "criterion": "loss", "gradient_clip": "grad_clip", "dataset": "data"},
)

OTHER_NAMES = {
    "learning_rate": "lr",
    "lr_rate": "lr",
    "eta_min": "min_lr",
    "warmup": "warmup_epochs",
    "T_0": "period",
    "T_mult": "factor",
    "param_groups": "groups",
    "layerwise_decay": "layer_decay",
}
OF_RUN = {"T_max": "a cosine ends with the last epoch", "total_steps": "the rate follows `epochs`"}


def _tell_places() -> None:
    """Tell each record the names that its keys have elsewhere, and where the keys of others belong."""
    parts: tuple[tuple[str, Tagged], ...] = (("optimizer", OPTIMIZER), ("schedule", SCHEDULE))
    for part, tagged in parts:
        tags_of: dict[str, list[str]] = {}
        for tag, record in tagged.records.items():
            record.foreign |= {other: ours for other, ours in OTHER_NAMES.items() if ours in record.fields}
            record.elsewhere |= {key: f"remove it: {why}" for key, why in OF_RUN.items() if part == "schedule"}
            for key in record.fields:
                tags_of.setdefault(key, []).append(tag)
        tags_of |= {other: tags_of[ours] for other, ours in OTHER_NAMES.items() if ours in tags_of}
        for key, tags in tags_of.items():
            value = OTHER_NAMES.get(key, key)
            text = f"`{key}` belongs under `{part}`: {part}: {{{tags[0]}: {{{value}: …}}}}"
            for record in (RECIPE, DATA):
                record.elsewhere.setdefault(key, text)
            for record in (record for other, them in parts if other != part for record in them.records.values()):
                if key not in record.fields:
                    record.elsewhere.setdefault(key, text)
    for key in DATA.fields:
        text = f"`{key}` belongs under `data`: data: {{name: …, {key}: …}}"
        if key != "name":
            RECIPE.elsewhere.setdefault(key, text)
    for key in RECIPE.fields:
        text = f"`{key}` belongs into the recipe itself, beside `data`"
        for record in (DATA, *OPTIMIZER.records.values(), *SCHEDULE.records.values()):
            record.elsewhere.setdefault(key, text)


_tell_places()


def plain_recipe(recipe: Recipe) -> dict[str, Any]:
    """A recipe as it is written in a spec; `RECIPE.check` of it gives the same recipe.

    Fields that are switched off (None) are left out.
    """
    plain: dict[str, Any] = to_plain(recipe)
    return plain
