"""The `source` recipes, held against what the sources say."""

from __future__ import annotations

from typing import Any

import pytest

import specgraph
from specgraph.recipes.feeding import Normalize
from specgraph.recipes.recipe import Recipe
from tests.helpers import SPECS

COPIED = Normalize(mean=(0.4914, 0.4822, 0.4465), std=(0.2023, 0.1994, 0.2010))
IMAGENET: dict[str, Any] = {
    "data": "folder",
    "epochs": 90,
    "batch_size": 256,
    "loss": "cross_entropy",
    "sgd": {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
    "schedule": ("step", {"step_size": 30, "gamma": 0.1}),
    "augment": ("random_resized_crop", "horizontal_flip"),
}
INCEPTION: dict[str, Any] = {
    "data": "mnist",
    "epochs": 9,
    "batch_size": 64,
    "loss": "nll",
    "sgd": {"lr": 0.01, "momentum": 0.5, "weight_decay": 0},
}
SOURCES: dict[str, dict[str, Any]] = {
    "alexnet.yaml": {
        "data": "cifar10",
        "normalize": COPIED,
        "epochs": 10,
        "batch_size": 128,
        "loss": "cross_entropy",
        "sgd": {"lr": 1e-4, "momentum": 0.9, "weight_decay": 5e-4},
    },
    "alexnet-grouped.yaml": {
        "epochs": 90,
        "batch_size": 128,
        "loss": "cross_entropy",
        "sgd": {"lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4},
        "schedule": ("multi_step", {"gamma": 0.1}),
        "augment": ("random_resized_crop", "horizontal_flip"),
    },
    "alexnet-fashion.yaml": {
        "data": "fashion_mnist",
        "epochs": 10,
        "batch_size": 64,
        "loss": "nll",
        "adam": {"lr": 1e-3, "betas": (0.9, 0.999), "weight_decay": 0},
    },
    "lenet.json": {"data": "mnist", "loss": "cross_entropy"},
    "inception.yaml": INCEPTION,
    "inception-deep.yaml": INCEPTION,
    "googlenet.yaml": {**IMAGENET, "loss_weights": {"aux1": 0.3, "aux2": 0.3}},
    "googlenet-paper.yaml": {
        "loss_weights": {"aux1": 0.3, "aux2": 0.3},
        "sgd": {"momentum": 0.9},
        "schedule": ("step", {"step_size": 8, "gamma": 0.96}),
        "augment": ("random_resized_crop", "horizontal_flip"),
    },
    "resnet-cifar.yaml": {
        "data": "cifar10",
        "epochs": 51,
        "batch_size": 128,
        "loss": "cross_entropy",
        "sgd": {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
    },
    "resnet18.yaml": IMAGENET,
    "resnet34.yaml": IMAGENET,
    "resnet50.yaml": IMAGENET,
    "two-layer.yaml": {
        "data": "cifar10",
        "epochs": 1,
        "batch_size": 64,
        "loss": "cross_entropy",
        "sgd": {"lr": 1e-2, "momentum": 0, "weight_decay": 0},
    },
    "convnet3.yaml": {
        "data": "cifar10",
        "epochs": 1,
        "batch_size": 64,
        "loss": "cross_entropy",
        "sgd": {"lr": 3e-3, "momentum": 0, "weight_decay": 0},
    },
}


def stated(recipe: Recipe, wanted: dict[str, Any]) -> dict[str, Any]:
    """What a recipe says, as far as the source says anything."""
    assert recipe.data is not None
    optimizer, schedule = recipe.optimizer, recipe.schedule
    said = {
        **recipe.known(),
        **recipe.data.known(),
        "data": recipe.data.name,
        "loss": recipe.loss.tag,
        "augment": tuple(entry.tag for entry in recipe.data.augment),
        optimizer.tag: {key: getattr(optimizer, key) for key in wanted.get(optimizer.tag, ())},
        "schedule": (schedule.tag, {key: getattr(schedule, key) for key in wanted.get("schedule", ("", {}))[1]}),
    }
    return {key: said.get(key) for key in wanted}


@pytest.mark.parametrize("spec", SOURCES)
def test_the_source_recipe_is_the_sources(spec: str) -> None:
    recipes = specgraph.load(SPECS / spec).recipes
    wanted = {"augment": (), "schedule": ("constant", {}), **SOURCES[spec]}
    assert stated(recipes["source"], wanted) == wanted
    assert recipes["default"] != recipes["source"], "there is a good one too"


def test_every_source_recipe_is_listed() -> None:
    files = [path for path in SPECS.glob("*.*") if path.suffix in (".yaml", ".json")]
    found = {path.name for path in files if "\n  source:" in path.read_text() or '"source"' in path.read_text()}
    assert found == set(SOURCES)
