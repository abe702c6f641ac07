"""What is refused before the first trial, and what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specgraph.cli.main import main
from specgraph.errors import CommandError
from specgraph.kinds.invalid import Invalid
from specgraph.recipes.recipe import RECIPE, plain_recipe
from specgraph.recipes.search import SEARCH
from specgraph.sweeps.ahead import look_ahead
from specgraph.sweeps.plan import Plan, as_text
from specgraph.sweeps.space import Space, key_of


def _sweep(place: Path, search: str, *more: str) -> int:
    (place / "search.yaml").write_text(search, encoding="utf-8")
    return main(["sweep", "net.yaml", "--search", "search.yaml", "--out", "sw", "--device", "cpu", *more])


def _plan(**search: Any) -> Plan:
    return Plan("net.yaml", SEARCH.check(search), fixed={}, options={})


REFUSED: list[tuple[str, list[str], tuple[str, ...]]] = [
    ("space: {widht: [4, 8]}", [], ("search.yaml:1:9", "no variable `widht`", "did you mean width?")),
    ("space: {epochs: [1, 2]}", [], ("no variable `epochs`", "recipe.epochs")),
    (
        "space:\n  recipe.optimizer.sgd.lrr: {log_uniform: [0.1, 1]}",
        [],
        ("search.yaml:2:3", "sgd has no key `lrr`", "did you mean recipe.optimizer.sgd.lr?"),
    ),
    ("space: {recipe.epochz: [1, 2]}", [], ("recipe.epochz", "did you mean recipe.epochs?")),
    ("space: {recipe.batch_size: [16, -1]}", [], ("search.yaml:1:33", "recipe.batch_size", "not -1")),
    ("space: {width: {uniform: [4, 8], stepp: 2}}", [], ("search.yaml:1:34", "range has no key `stepp`")),
    ("space: {width: 4}", [], ("search.yaml:1:16", "`space.width` must be a list of values")),
    ("spce: {width: [4]}", [], ("search has no key `spce`", "did you mean space?")),
    ("space: {width: [4, 8]}\nlimits: [flops <= 3]", [], ("search.yaml:2:10", "multiply_adds <= 300e6")),
    ("space: {width: [4, 8]}", ["--set", "width=4"], ("`width` varies, and --set gives it one value",)),
    ("space: {recipe.epochs: [1, 2]}", ["--epochs", "3"], ("`recipe.epochs` varies, and --epochs",)),
    (
        "space:\n  recipe.optimizer: [sgd, adam]\n  recipe.optimizer.sgd.lr: {log_uniform: [0.1, 1]}",
        [],
        ("search.yaml:3:3", "is a part of `recipe.optimizer`, which varies as a whole"),
    ),
    (
        "space:\n  recipe.optimizer.adam.lr: {uniform: [0.1, 1]}\n  recipe.optimizer.sgd.lr: {uniform: [0.1, 1]}",
        [],
        ("search.yaml:3:3", "are of two kinds of optimizer"),
    ),
]


@pytest.mark.parametrize(("search", "flags", "wanted"), REFUSED, ids=[row[0][:40] for row in REFUSED])
def test_parameters_that_do_not_exist_are_refused_at_their_place(
    place: Path, capsys: pytest.CaptureFixture[str], search: str, flags: list[str], wanted: tuple[str, ...]
) -> None:
    assert _sweep(place, search, *flags) == 1
    said = capsys.readouterr().err
    for words in wanted:
        assert words in said
    assert not (place / "sw").exists()


def test_settings_that_the_checker_refuses_end_the_sweep_before_the_first_trial(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (place / "net.yaml").read_text().replace("padding: 1}", "padding: 1, groups: $groups}")
    text = text.replace("[1, 8, 8]", "[4, 8, 8]").replace("classes: 10,", "classes: 10, groups: 1,")
    (place / "net.yaml").write_text(text)
    assert _sweep(place, "space: {width: [4, 6, 8], groups: [1, 2, 4]}") == 2
    said = capsys.readouterr().err
    assert "a setting is wrong, such as width=6, groups=4" in said
    assert "SG307" in said
    assert not (place / "sw").exists()
    plan = _plan(space={"width": [4, 6, 8], "groups": [1, 2, 4]}, sampler="grid", wrong="discard")
    ahead = look_ahead(plan)
    assert (ahead.trials, len(ahead.queue), len(ahead.discarded)) == (8, 8, 1)
    assert ahead.discarded[0].params == {"width": 6, "groups": 4}


def test_a_parameter_that_does_nothing_is_refused(place: Path) -> None:
    with pytest.raises(CommandError, match="`idle` changes nothing"):
        look_ahead(_plan(space={"width": [4, 8], "idle": [1, 2]}))


def test_a_parameter_that_acts_beside_some_values_alone_is_not_refused(place: Path) -> None:
    text = (place / "net.yaml").read_text().replace("relu: relu", "relu: relu\n  more: {op: relu6, when: $(width > 8)}")
    (place / "net.yaml").write_text(text.replace("op: relu6", "op: leaky_relu, negative_slope: $idle"))
    assert look_ahead(_plan(space={"width": [4, 16], "idle": [0.1, 0.2]})).trials == 4


def test_random_settings_are_known_ahead_differ_and_keep_to_the_limits(place: Path) -> None:
    space = {"width": {"int": [2, 64]}, "recipe.batch_size": [32, 64]}
    ahead = look_ahead(_plan(space=space, sampler="random", trials=12, limits=["parameters <= 10000"]))
    assert ahead.trials == len({key_of(params) for params in ahead.queue}) == 12
    plan = _plan(space=space)
    assert all(plan.look_at(params).costs["parameters"] <= 10000 for params in ahead.queue)
    assert ahead.discarded
    again = look_ahead(_plan(space=space, sampler="random", trials=14, limits=["parameters <= 10000"]))
    assert again.queue[:12] == ahead.queue


def test_a_space_smaller_than_the_trials_is_said(place: Path) -> None:
    ahead = look_ahead(_plan(space={"width": [4, 8, 16]}, trials=20, limits=["parameters <= 6000"]))
    assert ahead.trials == 2
    assert ahead.notes == ["2 trials instead of 20: the space has no more settings that may be trained"]
    with pytest.raises(CommandError, match="all 3 settings that were checked are discarded"):
        look_ahead(_plan(space={"width": [4, 8, 16]}, limits=["parameters <= 6"]))


def test_grids_need_points(place: Path) -> None:
    with pytest.raises(CommandError, match="`width` is a range") as caught:
        look_ahead(_plan(space={"width": {"uniform": [1, 2]}}, sampler="grid"))
    assert "give width a step" in str(caught.value.help)
    ahead = look_ahead(
        _plan(
            space={"width": {"int": [4, 16], "step": 4}, "recipe.ema": {"uniform": [0.1, 0.3], "step": 0.1}},
            sampler="grid",
        )
    )
    assert ahead.queue == [{"width": w, "recipe.ema": e} for w in (4, 8, 12, 16) for e in (0.1, 0.2, 0.3)]


def test_the_search_of_a_recipe_is_read_in_its_place(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (place / "net.yaml").read_text() + "    search:\n      space:\n        widht: [4, 8]\n"
    (place / "net.yaml").write_text(text)
    assert main(["check", "net.yaml"]) == 0
    capsys.readouterr()
    assert main(["sweep", "net.yaml", "--device", "cpu"]) == 1
    said = capsys.readouterr().err
    assert "net.yaml:17:9" in said
    assert "did you mean width?" in said
    (place / "net.yaml").write_text(text.replace("widht: [4, 8]", "width: {log_uniform: [0, 8]}"))
    assert main(["check", "net.yaml"]) == 1
    assert "net.yaml:17:31" in capsys.readouterr().out


def test_a_spec_without_a_search_says_what_to_name(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "net.yaml"]) == 2
    assert "name a file with --search FILE" in capsys.readouterr().err


def test_a_recipe_with_a_search_comes_back_as_it_was_written() -> None:
    search = {"space": {"width": [1, 2], "recipe.ema": {"uniform": [0.1, 0.2]}}, "limits": ["memory<=8e9"], "seed": 3}
    recipe = RECIPE.check({"search": search})
    assert RECIPE.check(plain_recipe(recipe)) == recipe
    assert recipe.search.limits == ("memory <= 8e9",)
    with pytest.raises(Invalid, match="names 1 twice"):
        SEARCH.check({"space": {"a": [1, 1]}})


def test_values_survive_the_storage_and_the_command_line(place: Path) -> None:
    from specgraph.cli.spec_arguments import parse_settings

    choices: list[Any] = [1, 1.0, True, None, "1", "no", "a b", {"sgd": {"lr": 1e-05}}, [1, "x"], 1e22]
    parameter = Space({"p": {"choice": choices}}).parameters["p"]
    for value in choices:
        back = parameter.decode(parameter.encode(value))
        assert type(back) is type(value)
        assert back == value
        read = parse_settings([f"p={as_text(value)}"])["p"]
        assert type(read) is type(value)
        assert read == value


def test_joining_changes_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "--join", "sw", "--epochs", "3", "--set", "a=1"]) == 2
    assert "--epochs, --set cannot be changed" in capsys.readouterr().err
    assert main(["sweep", "--join", "nowhere"]) == 2
    assert "nowhere is no sweep" in capsys.readouterr().err
    assert main(["sweep"]) == 2
    assert "sweep needs a spec" in capsys.readouterr().err


def test_without_optuna_one_line_says_what_to_install(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "optuna" else found(name, *a))
    assert main(["sweep", "net.yaml", "--search", "search.yaml"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "specgraph: error: a sweep needs the package `optuna`, which is not installed",
        "  install it with: pip install 'specgraph[sweep]'",
    ]
