"""Training recipes: every field, its kind, its default and what it means.

`RECIPE.check(plain)` gives the canonical plain form that `Graph.recipes` holds: all keys present,
tagged choices as `(tag, fields)` tuples. It imports nothing heavy, so that `check` can afford it.
"""

from __future__ import annotations

from typing import Any

from specgraph.kinds.kinds import Bool, Bounds, Choice, Either, Int, ListOf, Nothing, Number, Text
from specgraph.language.records import Field, MapOf, Record, Tagged

PROBABILITY = Number(0, 1)
POSITIVE = Number(above=0)
NON_NEGATIVE = Number(0)

AUGMENTATION = Tagged(
    "augmentation",
    Record(
        "random_crop",
        Field("padding", Int(1), 4, "pixels of padding on each side before a crop of the original size"),
        Field("fill", Choice("zero", "reflect"), "zero", "what the padding holds"),
    ),
    Record("horizontal_flip", Field("p", PROBABILITY, 0.5, "probability of a flip")),
    Record("vertical_flip", Field("p", PROBABILITY, 0.5, "probability of a flip")),
    Record(
        "cutout",
        Field("size", Int(1), ..., "side of the square that is blanked, in pixels"),
        Field("p", PROBABILITY, 1.0, "probability of blanking"),
    ),
    Record("mixup", Field("alpha", POSITIVE, 0.2, "both parameters of the Beta distribution")),
    Record("cutmix", Field("alpha", POSITIVE, 1.0, "both parameters of the Beta distribution")),
    Record(
        "random_resized_crop",
        Field("scale", Bounds(Number(above=0, maximum=1)), (0.08, 1.0), "share of the area that is kept"),
        Field("ratio", Bounds(POSITIVE), (0.75, 4 / 3), "aspect ratio of the crop"),
    ),
    Record("rotate", Field("degrees", Number(0, 180), ..., "largest angle, either way")),
    Record("shift", Field("pixels", Int(1), ..., "largest shift along each axis, either way")),
)

DATA = Record(
    "data",
    Field(
        "name",
        Text(),
        ...,
        "digits, mnist, fashion_mnist, cifar10, cifar100, folder, or a registered data set",
    ),
    Field(
        "root",
        Either(Text(), Nothing()),
        None,
        "where the files lie; default $SPECGRAPH_DATA, else the cache",
    ),
    Field(
        "validation",
        Either(
            Choice("test"),
            Int(2),
            Number(above=0, below=1),
            words="test, a share above 0 and below 1, or a number of images, at least 2",
        ),
        0.1,
        "what is held out of the training set, or `test`",
    ),
    Field(
        "normalize",
        Either(
            Choice("dataset", "none"),
            Record(
                "normalize",
                Field("mean", ListOf(Number(), 1), ..., "per channel, of values in 0..1"),
                Field("std", ListOf(POSITIVE, 1), ..., "per channel, of values in 0..1"),
            ),
        ),
        "dataset",
        "the data set's own mean and deviation, given ones, or none",
    ),
    Field("augment", ListOf(AUGMENTATION), (), "applied in order, per image"),
    Field("broken_images", Choice("error", "skip"), "error", "what to do about files that do not decode"),
)

LOSS = Tagged(
    "loss",
    Record(
        "cross_entropy",
        Field("label_smoothing", Number(0, below=1), 0.0, "share of the target spread over all classes"),
    ),
    Record("nll"),
    foreign={
        "CrossEntropyLoss": "cross_entropy",
        "categorical_crossentropy": "cross_entropy",
        "sparse_categorical_crossentropy": "cross_entropy",
        "ce": "cross_entropy",
        "NLLLoss": "nll",
        "nll_loss": "nll",
    },
)

WEIGHT_DECAY = Field("weight_decay", NON_NEGATIVE, 0.0, "L2 penalty (decoupled for adamw)")
BETAS = Field("betas", ListOf(Number(0, below=1), 2, 2), (0.9, 0.999), "decay of the two running averages")
NO_DECAY = Field("no_decay", ListOf(Choice("norm", "bias")), (), "parameters that weight decay leaves alone")

OPTIMIZER = Tagged(
    "optimizer",
    Record(
        "sgd",
        Field("lr", POSITIVE, 0.1, "learning rate"),
        Field("momentum", Number(0, below=1), 0.0, "share of the last step that is kept"),
        WEIGHT_DECAY,
        Field("nesterov", Bool(), False, "Nesterov momentum"),
        NO_DECAY,
    ),
    Record(
        "adam",
        Field("lr", POSITIVE, 1e-3, "learning rate"),
        BETAS,
        Field("eps", POSITIVE, 1e-8, "added to the denominator"),
        WEIGHT_DECAY,
        NO_DECAY,
    ),
    Record(
        "adamw",
        Field("lr", POSITIVE, 1e-3, "learning rate"),
        BETAS,
        Field("eps", POSITIVE, 1e-8, "added to the denominator"),
        Field("weight_decay", NON_NEGATIVE, 0.01, "decoupled weight decay"),
        NO_DECAY,
    ),
    Record(
        "rmsprop",
        Field("lr", POSITIVE, 1e-2, "learning rate"),
        Field("alpha", Number(0, below=1), 0.99, "decay of the running average"),
        Field("eps", POSITIVE, 1e-8, "added to the denominator"),
        Field("momentum", Number(0, below=1), 0.0, "share of the last step that is kept"),
        WEIGHT_DECAY,
        NO_DECAY,
    ),
)

WARMUP = Field("warmup_epochs", NON_NEGATIVE, 0, "epochs of linear warm-up from (almost) 0")

SCHEDULE = Tagged(
    "schedule",
    Record("constant", WARMUP),
    Record(
        "step",
        Field("step_size", Int(1), ..., "epochs between two drops"),
        Field("gamma", POSITIVE, 0.1, "factor at each drop"),
        WARMUP,
    ),
    Record(
        "multi_step",
        Field("milestones", ListOf(Int(1), 1), ..., "epochs at which the rate drops"),
        Field("gamma", POSITIVE, 0.1, "factor at each drop"),
        WARMUP,
    ),
    Record("cosine", WARMUP, Field("min_lr", NON_NEGATIVE, 0.0, "rate at the end")),
    Record(
        "one_cycle",
        WARMUP,
        Field("pct_start", Number(0, 1), 0.3, "share of the steps that the rate rises"),
        Field("div_factor", POSITIVE, 25.0, "peak rate over first rate"),
        Field("final_div_factor", POSITIVE, 1e4, "first rate over last rate"),
        Field("cycle_momentum", Bool(), True, "momentum (Adam: the first beta) falls while the rate rises, then rises"),
        Field("base_momentum", Number(0, below=1), 0.85, "momentum at the peak rate"),
        Field("max_momentum", Number(0, below=1), 0.95, "momentum at the first and last rate"),
    ),
    foreign={
        "StepLR": "step",
        "MultiStepLR": "multi_step",
        "CosineAnnealingLR": "cosine",
        "cosine_annealing": "cosine",
        "OneCycleLR": "one_cycle",
        "ConstantLR": "constant",
        "none": "constant",
    },
)

RECIPE = Record(
    "recipe",
    Field("data", DATA, None, "the data set and how it is fed"),
    Field("epochs", Int(1), 10, "passes over the training set"),
    Field("batch_size", Int(1), 128, "images per step, over all processes"),
    Field("loss", LOSS, LOSS.check("cross_entropy"), "what is minimised"),
    Field("loss_weights", MapOf(NON_NEGATIVE), {}, "weight of each extra output's loss"),
    Field("optimizer", OPTIMIZER, OPTIMIZER.check({"sgd": {"momentum": 0.9}}), "how"),
    Field("schedule", SCHEDULE, SCHEDULE.check("constant"), "the learning rate over time"),
    Field("precision", Choice("auto", "fp32", "bf16", "fp16"), "auto", "of the forward and backward pass"),
    Field("grad_clip", Either(POSITIVE, Nothing()), None, "largest norm of the gradient"),
    Field("accumulate", Int(1), 1, "parts a batch is split into, one after another"),
    Field("ema", Either(Number(above=0, below=1), Nothing()), None, "decay of the averaged weights"),
    Field(
        "early_stopping",
        Either(Record("early_stopping", Field("patience", Int(1), ..., "epochs without improvement")), Nothing()),
        None,
        "when to stop before the last epoch",
    ),
    Field("test_time_flip", Bool(), False, "average the predictions for an image and its mirror image"),
    Field("sync_batch_norm", Bool(), False, "batch statistics over all processes (CUDA)"),
    Field("seed", Int(0), 0, "of initialisation, order and augmentation"),
    foreign={"lr_scheduler": "schedule", "criterion": "loss", "gradient_clip": "grad_clip", "dataset": "data"},
)
"""Canonical form of `data` is a dict, or None where a recipe names no data set."""

OTHER_NAMES = {"learning_rate": "lr", "lr_rate": "lr", "eta_min": "min_lr", "warmup": "warmup_epochs"}
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


def plain_recipe(recipe: dict[str, Any]) -> dict[str, Any]:
    """A canonical recipe as it is written in a spec; `RECIPE.check` of it gives the same recipe.

    Fields that are switched off (None) are left out.
    """
    return {name: _plain(value) for name, value in recipe.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict):
        tag, fields = value
        return {tag: plain_recipe(fields)} if fields else tag
    if isinstance(value, dict):
        return plain_recipe(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
