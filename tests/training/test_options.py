"""Training's options: one declaration, and what follows from it."""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path
from typing import Any

import pytest

import specgraph
from specgraph.cli import train as command
from specgraph.recipes.recipe import Recipe
from specgraph.training.options import Option, TrainOptions, declared_options

OPTIONS = {option.name: option for option in declared_options()}


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.name)
def test_every_option_has_a_flag_and_a_keyword(option: Option, parser: argparse.ArgumentParser) -> None:
    action = parser._option_string_actions[option.flag]
    if option.kind is not None:
        assert action.dest == option.name
        assert action.default in (option.default, [])
        assert action.help
    keyword = inspect.signature(specgraph.train).parameters[option.name]
    assert keyword.default == option.default
    assert option.recipe_field is None or option.recipe_field in Recipe.fields


def test_what_a_run_records_and_a_resumed_one_takes_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = TrainOptions(
        weights="a.safetensors", reset=["fc"], adapt=["channels"], compile="off", deterministic=True, report=False,
        name="first", tags=["a", "b"], trackers=["mlflow=http://h:1"],
    )  # fmt: skip
    recorded = given.recorded()
    assert recorded == {
        "weights": str(tmp_path / "a.safetensors"),
        "match": False,
        "adapt": ["channels"],
        "drop": [],
        "reset": ["fc"],
        "freeze": [],
        "compile": "off",
        "deterministic": True,
        "name": "first",
        "tags": ["a", "b"],
        "note": None,
        "trackers": ["mlflow=http://h:1"],
        "report": False,
    }
    again = TrainOptions().restored(recorded)
    assert (again.weights, again.reset, again.compile, again.deterministic) == (
        str(tmp_path / "a.safetensors"), ("fc",), "off", True,
    )  # fmt: skip
    assert (again.match, again.adapt) == (False, ("channels",))
    assert (again.name, again.tags, again.note, again.trackers) == ("first", ("a", "b"), None, ("mlflow=http://h:1",))
    assert TrainOptions(trackers=["none"]).restored(recorded).trackers == ("none",)
    assert again.report, "a resumed run writes its report unless it is told otherwise again"
    assert TrainOptions(compile="on").restored(recorded).compile == "on"
    assert TrainOptions().restored({}) == TrainOptions()


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        ({}, []),
        ({"epochs": 3, "data_root": "d", "num_workers": 2, "device": "cpu", "report": False}, []),
        ({"seed": 0, "batch_size": 4, "lr": 0.1}, ["--batch-size", "--lr", "--seed"]),
        ({"data": "digits", "settings": {"ema": 0.9}, "recipe": "r"}, ["--recipe", "--data", "--set"]),
        ({"data": ([0], [0])}, []),
        ({"reset": ["a"], "freeze": ["b"], "out": "o", "weights": "w"}, ["--out", "--weights", "--reset", "--freeze"]),
        ({"match": True, "drop": ["fc"], "adapt": ["size"]}, ["--match", "--adapt", "--drop"]),
        ({"name": "n", "tags": ["t"], "note": "n"}, ["--name", "--tag", "--note"]),
        ({"trackers": ["none"]}, []),
        ({"plugins": ["mine"]}, []),
        ({"plugins": ["other"]}, ["--plugin"]),
    ],
    ids=str,
)
def test_what_a_resumed_run_refuses(given: dict[str, Any], flags: list[str]) -> None:
    assert TrainOptions(**given).fixed_given(["mine"]) == flags


def test_flags_override_the_recipe_before_settings_do() -> None:
    options = TrainOptions(epochs=3, batch_size=8, lr=0.1, settings={"epochs": 5})
    overrides = options.overrides()
    assert overrides.settings == (("epochs", 3), ("batch_size", 8), ("epochs", 5))
    assert overrides.lr == 0.1
    assert options.recipe_fields(resumed=True) == (("epochs", 3),)


def test_unknown_keywords_name_the_function() -> None:
    with pytest.raises(TypeError, match=r"train\(\) got an unexpected keyword argument 'epoch'"):
        specgraph.train("net.yaml", epoch=3)  # type: ignore[call-arg]
