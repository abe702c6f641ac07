"""What the data of a recipe lack, cannot be, or do not read: `check` says it with its place before anything is read,
and training refuses it in the same words."""

from __future__ import annotations

from pathlib import Path

import pytest

import specgraph
from specgraph.datasets import demands
from specgraph.datasets.catalog import READ_BY, SAID_BY_RECIPE
from specgraph.datasets.sources import read_source
from specgraph.errors import CommandError
from specgraph.recipes.feeding import DATA, Data
from tests.rules.data_cases import BOTH, CASES, HEADS, RIGHT, VECTOR


def write(place: Path, network: str, recipe: str) -> str:
    """The recipe in one line, so that a place is a part of that."""
    text = f"specgraph: 1\n{network}recipes:\n  default: {recipe if recipe.startswith('{') else f'{{{recipe}}}'}\n"
    place.write_text(text)
    return text


@pytest.mark.parametrize("name", CASES)
def test_check_says_it_at_its_place(name: str, tmp_path: Path) -> None:
    network, recipe, at, code, severity, words = CASES[name]
    text = write(tmp_path / "net.yaml", network, recipe)
    found = [one for one in specgraph.check(tmp_path / "net.yaml").diagnostics if one.severity != "info"]
    (one,) = (one for one in found if one.code == code)
    assert (one.severity, words in one.message) == (severity, True), found
    assert one.help, "there is no cure"
    span = one.span
    marked = text.splitlines()[span.line - 1][span.column - 1 : span.end_column - 1]
    assert marked == at
    assert severity == "warning" or [one.code for one in found if one.severity == "error"] == [code]


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[4] == "warning" and case[3] != "SG557"])
def test_training_refuses_what_check_warns_of(name: str, tmp_path: Path) -> None:
    network, recipe, _, _, _, words = CASES[name]
    write(tmp_path / "net.yaml", network, recipe)
    with pytest.raises(CommandError, match=words.replace("`", ".")):
        specgraph.train(tmp_path / "net.yaml", out=tmp_path / "run", report=False)
    assert not (tmp_path / "run").exists()


def test_what_flags_change_is_held_to_the_same_rules(tmp_path: Path) -> None:
    for network, recipe, settings, words in (
        (VECTOR % 4, "data: {name: shapes}", {"data.size": 8}, "SG555: shapes are drawn on 16 pixels"),
        (VECTOR % 4, "data: {name: shapes}", {"data.degrade": {"noise": 3}}, "SG556: degrade is for the task image"),
        (HEADS, f"{{{BOTH}, data: {{name: shapes}}}}", {"data.augment": ["mixup"]}, "SG551: mixup mixes images"),
        (VECTOR % 4, "data: {name: shapes}", {"data.name": "table"}, "SG554: data `table` need `file`"),
    ):
        write(tmp_path / "net.yaml", network, recipe)
        with pytest.raises(CommandError, match=words):
            specgraph.train(tmp_path / "net.yaml", out=tmp_path / "run", settings=settings, report=False)


@pytest.mark.parametrize(("network", "recipe"), RIGHT)
def test_recipes_that_are_right(network: str, recipe: str, tmp_path: Path) -> None:
    write(tmp_path / "net.yaml", network, recipe)
    assert not [one for one in specgraph.check(tmp_path / "net.yaml").diagnostics if one.severity != "info"]


def test_readers_ask_the_same() -> None:
    """Without a spec: of every name whose place is missing, and of values that cannot be."""
    for name in demands.REQUIRED:
        with pytest.raises(CommandError, match=f"data `{name}` need"):
            read_source(Data(name=name), "class", None, None)
    with pytest.raises(CommandError, match="on 16 pixels"):
        read_source(Data(name="shapes", size=8), "class", None, None)


def test_keys_of_some_data_are_keys_of_data() -> None:
    assert set(READ_BY) <= set(DATA.fields)
    assert set(demands.REQUIRED) <= set(SAID_BY_RECIPE)
    for name, (key, _) in demands.REQUIRED.items():
        assert name in READ_BY[key]


def test_other_data_leave_behind_what_they_do_not_read(tmp_path: Path) -> None:
    """`--data` puts other data in the place of a table: its file, columns and split are gone."""
    recipe = "data: {name: table, file: a.csv, targets: k, split: part, classes: [a, b, c, d]}"
    write(tmp_path / "net.yaml", VECTOR % 4, recipe)
    settings = {"data.images": 20, "data.size": 32, "batch_size": 8, "epochs": 1}
    run = specgraph.train(tmp_path / "net.yaml", data="shapes", settings=settings, out=tmp_path / "run", report=False)
    recorded = specgraph.load(run.folder / "spec.yaml").recipes["default"].data
    assert recorded is not None
    assert (recorded.name, recorded.file, recorded.targets, recorded.split) == ("shapes", None, None, None)
