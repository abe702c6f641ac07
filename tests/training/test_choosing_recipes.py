"""Which recipe a run gets: flags, settings, other data, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from specgraph.checking import load
from specgraph.errors import CommandError
from specgraph.recipes.augmentation import RandomCrop
from specgraph.recipes.optimisation import Adam, CosineSchedule
from specgraph.training.display import Silent
from specgraph.training.overrides import Overrides, choose_recipe
from tests.training.user_dataset import UserDataset


def test_recipe_is_checked_with_data_from_python_too(train_small: Any) -> None:
    settings = {"optimizer": {"sgd": {"lr": 0.1, "nesterov": True}}}
    with pytest.raises(CommandError, match="SG524"):
        train_small(recipe="plain", data=(UserDataset(60), UserDataset(20)), settings=settings)


def test_wider_head_is_a_warning_narrower_an_error(train_small: Any, spec: dict[str, Any]) -> None:
    said: list[str] = []

    class Listening(Silent):
        def say(self, message: str) -> None:
            said.append(message)

    del spec["recipes"]
    spec["vars"]["classes"] = 100
    train_small(data="digits", epochs=1, display=Listening())
    assert any("SG502" in line and "only 10 classes" in line for line in said)
    spec["vars"]["classes"] = 5
    with pytest.raises(CommandError, match=r"SG501.*5 scores.*10 classes"):
        train_small(data="digits", epochs=1)


def test_other_data_than_the_recipe_says(spec: dict[str, Any]) -> None:
    spec["inputs"]["image"] = [3, 32, 32]
    spec["recipes"] = {
        "default": {
            "data": {
                "name": "cifar10",
                "augment": [{"random_crop": {"padding": 4}}, "horizontal_flip"],
                "normalize": {"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]},
            }
        }
    }
    chosen = choose_recipe(load(spec), None, Overrides(data="digits"))
    data = chosen.recipe.data
    assert data is not None
    assert data.augment == (RandomCrop(padding=1),)
    assert data.normalize == "dataset"
    assert len(chosen.notes) == 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ((("epochs", -1),), "recipe.epochs: must be a positive integer"),
        ((("optimiser.sgd.lr", 0.1),), "did you mean optimizer"),
        ((("optimizer.sgd.learning_rate", 0.1),), "has no key `learning_rate`"),
        ((("optimizer.adamm.lr", 0.1),), "did you mean adam"),
        ((("epochs.x", 1),), "is not a mapping"),
        ((("data.validation", 1.0),), "a share above 0 and below 1, or a number of images, at least 2, not 1.0"),
        ((("data.augment", [{"random_resized_crop": {"ratio": [2, 0.5]}}]),), "[least, greatest]"),
    ],
)
def test_wrong_settings(spec: dict[str, Any], settings: Any, words: str) -> None:
    with pytest.raises(CommandError) as error:
        choose_recipe(load(spec), None, Overrides(settings=settings))
    assert words in str(error.value)


def test_settings_reach_any_field(spec: dict[str, Any]) -> None:
    settings: tuple[tuple[str, Any], ...] = (
        ("optimizer.adam.betas", [0.8, 0.9]),
        ("data.augment", []),
        ("schedule.cosine.min_lr", 0.001),
    )
    recipe = choose_recipe(load(spec), None, Overrides(lr=0.5, settings=settings)).recipe
    assert recipe.optimizer == Adam(lr=0.5, betas=(0.8, 0.9))
    assert recipe.schedule == CosineSchedule(warmup_epochs=1, min_lr=0.001)


@pytest.mark.parametrize("chosen", ["adam", {"adam": None}, {"adam": {}}, {"adam": {"lr": 7}}], ids=str)
def test_lr_reaches_any_spelling_of_the_optimizer(spec: dict[str, Any], chosen: Any) -> None:
    recipe = choose_recipe(load(spec), None, Overrides(lr=0.5, settings=(("optimizer", chosen),))).recipe
    assert recipe.optimizer == Adam(lr=0.5)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("optimizer", 5, "recipe.optimizer: must be one of sgd"),
        ("optimizer", None, "recipe.optimizer: must be one of sgd"),
        ("optimizer", [], "recipe.optimizer: must be one of sgd"),
        ("optimizer.sgd", 3, "recipe.optimizer.sgd: must be a mapping"),
        ("data", 5, "recipe.data: must be a mapping"),
        ("data", None, "recipe.data: must be a mapping"),
    ],
)
def test_wrong_settings_beside_other_flags(spec: dict[str, Any], path: str, value: Any, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        choose_recipe(load(spec), None, Overrides(lr=0.5, data_root="/data", settings=((path, value),)))


@pytest.mark.parametrize(
    ("recipe", "flags", "expected"),
    [
        ({"name": "digits", "root": "/old"}, {"data_root": "/new"}, ("digits", "/new")),
        ({"name": "digits"}, {"data_root": "/new"}, ("digits", "/new")),
        ({"name": "digits", "root": "/old"}, {}, ("digits", "/old")),
        ({"name": "digits", "root": "/old"}, {"data": "mnist", "data_root": "/new"}, ("mnist", "/new")),
        ({"name": "folder", "root": "/old"}, {"data_root": "/new"}, ("folder", "/new")),
        ({"name": "digits", "root": "/old"}, {"data": "./photos", "data_root": "/new"}, ("folder", "./photos")),
    ],
    ids=str,
)
def test_where_data_lie(spec: dict[str, Any], recipe: Any, flags: dict[str, Any], expected: tuple[str, str]) -> None:
    spec["recipes"]["default"]["data"] = recipe
    data = choose_recipe(load(spec), None, Overrides(**flags)).recipe.data
    assert data is not None
    assert (data.name, data.root) == expected


def test_unknown_recipe(spec: dict[str, Any]) -> None:
    with pytest.raises(CommandError, match="did you mean plain"):
        choose_recipe(load(spec), "plains", Overrides())


def test_no_data(spec: dict[str, Any]) -> None:
    del spec["recipes"]
    with pytest.raises(CommandError, match="says nothing about data"):
        choose_recipe(load(spec), None, Overrides())
