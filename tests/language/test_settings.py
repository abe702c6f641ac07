"""Typed records: what a recipe's classes are at run time."""

from __future__ import annotations

import copy
import pickle
from typing import Any, get_type_hints

import pytest

from specgraph.kinds.invalid import Invalid, Unknown
from specgraph.kinds.kinds import Int, Number
from specgraph.kinds.records import Tagged
from specgraph.kinds.settings import Settings, record_of, setting, to_plain
from specgraph.recipes.augmentation import AUGMENTATION, RandomCrop
from specgraph.recipes.feeding import DATA, Data, Normalize
from specgraph.recipes.losses import LOSS
from specgraph.recipes.optimisation import OPTIMIZER, SCHEDULE, CosineSchedule, Sgd
from specgraph.recipes.recipe import RECIPE, EarlyStopping, Recipe, plain_recipe

WRITTEN: dict[str, Any] = {
    "data": {
        "name": "cifar10",
        "validation": 500,
        "normalize": {"mean": [0.5], "std": [0.2]},
        "augment": [{"random_crop": {"padding": 2}}, "horizontal_flip"],
    },
    "optimizer": {"sgd": {"lr": 0.05, "no_decay": ["norm"]}},
    "schedule": {"cosine": {"warmup_epochs": 1}},
    "early_stopping": {"patience": 3},
    "loss_weights": {"aux": 0.3},
}


CLASS_VARIABLES = ("tag", "fields", "pixel_field", "needs_values", "draws", "shown_as")


def _classes(base: type[Settings]) -> list[type[Settings]]:
    return [base, *(cls for each in base.__subclasses__() for cls in _classes(each))]


def test_a_recipe_is_typed_and_goes_back_to_what_was_written() -> None:
    recipe = RECIPE.check(WRITTEN)
    assert isinstance(recipe, Recipe)
    assert recipe.data == Data(
        name="cifar10",
        validation=500,
        normalize=Normalize(mean=(0.5,), std=(0.2,)),
        augment=(RandomCrop(padding=2), *RECIPE.check({"data": WRITTEN["data"]}).data.augment[1:]),
    )
    assert recipe.optimizer == Sgd(lr=0.05, no_decay=("norm",))
    assert recipe.schedule == CosineSchedule(warmup_epochs=1)
    assert recipe.early_stopping == EarlyStopping(patience=3)
    assert recipe.epochs == 10
    plain = plain_recipe(recipe)
    assert RECIPE.check(plain) == recipe
    assert list(plain) == [name for name in Recipe.fields if name not in ("task", "best", "grad_clip", "ema", "search")]
    assert plain["optimizer"]["sgd"]["lr"] == 0.05
    assert plain["loss"] == {"cross_entropy": {"label_smoothing": 0.0}}


def test_records_are_frozen_equal_by_value_and_can_be_copied() -> None:
    recipe = RECIPE.check(WRITTEN)
    with pytest.raises(AttributeError, match="frozen"):
        recipe.epochs = 3
    with pytest.raises(AttributeError, match="frozen"):
        del recipe.epochs
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert copy.deepcopy(recipe) == recipe
    assert recipe.replace(epochs=3) != recipe
    assert recipe.replace(epochs=3).replace(epochs=10) == recipe
    assert Sgd() != CosineSchedule()


@pytest.mark.parametrize(("values", "words"), [({"lrr": 1}, "no field `lrr`"), ({"patience": 1, "x": 2}, "`x`")])
def test_unknown_fields_are_refused(values: dict[str, Any], words: str) -> None:
    cls = EarlyStopping if "patience" in values else Sgd
    with pytest.raises(TypeError, match=words):
        cls(**values)


def test_required_fields_must_be_given() -> None:
    with pytest.raises(TypeError, match="patience"):
        EarlyStopping()  # type: ignore[call-arg]


def test_what_is_right_of_a_faulty_recipe_can_be_asked() -> None:
    with pytest.raises(Invalid) as caught:
        RECIPE.check({"epochs": "ten", "optimizer": {"sgd": {"lr": 0.5, "momentum": 2}}})
    partial = caught.value.partial
    assert isinstance(partial, Recipe)
    assert partial.batch_size == 128
    assert isinstance(partial.optimizer, Sgd)
    assert partial.optimizer.lr == 0.5
    assert "momentum" not in partial.optimizer.known()
    for ask in (lambda: partial.epochs, lambda: partial.optimizer.momentum):
        with pytest.raises(Unknown):
            ask()


@pytest.mark.parametrize("cls", [cls for cls in _classes(Settings) if cls.__module__.startswith("specgraph.")])
def test_every_annotated_field_says_its_kind(cls: type[Settings]) -> None:
    """Bases of choices may only name what all of them have."""
    own = {name for name in get_type_hints(cls) if name not in CLASS_VARIABLES}
    assert set(cls.fields) <= own
    is_base = not cls.tag and bool(cls.__subclasses__())
    assert is_base or set(cls.fields) == own


@pytest.mark.parametrize("choices", [AUGMENTATION, LOSS, OPTIMIZER, SCHEDULE], ids=lambda choices: choices.title)
def test_defaults_are_canonical(choices: Tagged) -> None:
    """A default is what its kind makes of it."""
    for record in (*choices.records.values(), DATA, RECIPE):
        for field in record.fields.values():
            if not field.required and field.default is not None:
                assert field.kind.check(to_plain(field.default)) == field.default


def test_a_class_is_a_few_lines() -> None:
    class Fade(Settings, tag="fade"):
        share: float = setting(Number(0, 1), "how much")
        steps: int = setting(Int(1), "how long", default=2)

    kind = Tagged("effect", record_of(Fade))
    assert kind.check({"fade": {"share": 0.5}}) == Fade(share=0.5)
    assert to_plain(Fade(share=0.5)) == {"fade": {"share": 0.5, "steps": 2}}
    with pytest.raises(Invalid, match="fade needs `share`: how much"):
        kind.check("fade")
