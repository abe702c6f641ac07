"""Weights bring the statistics and the resize that they were trained with, or training says what is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import specgraph
from specgraph.cli.main import main
from specgraph.recipes.feeding import Data, Normalize
from specgraph.recipes.resizing import RESIZE
from specgraph.runs.weights import load_weights
from tests.pictures.test_int8 import bright_and_dark, spec_of


def trained(folder: Path, spec: dict[str, Any], **options: Any) -> tuple[Any, Data]:
    """A run, and the data of its recorded recipe."""
    run = specgraph.train(spec, out=folder, device="cpu", report=False, epochs=1, **options)
    recipe = run.load_graph().recipes["default"]
    assert recipe.data is not None
    return run, recipe.data


@pytest.fixture
def first(tmp_path: Path) -> Any:
    """A run that saw its pictures padded, and normalised by numbers of its own."""
    spec = spec_of(bright_and_dark(tmp_path / "images"), {"pad": {"fill": 9}},
                   normalize={"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]})  # fmt: skip
    return trained(tmp_path / "first", spec)[0]


def silent(first: Any) -> dict[str, Any]:
    """A spec for the same images that says neither."""
    spec = spec_of(Path(first.load_graph().recipes["default"].data.root), "stretch")
    del spec["recipes"]["default"]["data"]["resize"]
    return spec


def test_they_are_taken(first: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, data = trained(tmp_path / "second", silent(first), weights=first.folder, freeze=["conv"])
    assert data.normalize == Normalize(mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    assert data.resize == RESIZE.check({"pad": {"fill": 9}})
    shown = capsys.readouterr().err
    assert "normalised as the weights were trained, normalize: {mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6]}" in shown
    assert "the rest is filled with 9" in shown


def test_what_is_stated_wins_and_the_line_is_shown(
    first: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"data.normalize": "dataset", "data.resize": "crop"}
    _, data = trained(tmp_path / "second", silent(first), weights=first.folder, settings=settings)
    assert data.normalize == "dataset"
    assert data.resize == RESIZE.check("crop")
    shown = capsys.readouterr().err
    assert "the weights were trained with another: normalize: {mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6]}" in shown
    assert "the weights were trained with resize: {pad: {interpolation: bilinear, antialias: true, fill: 9}}" in shown


def test_equal_ones_need_no_word(first: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = specgraph.load(first.folder / "spec.yaml")
    specgraph.train(spec, out=tmp_path / "second", device="cpu", report=False, epochs=1, weights=first.folder)
    assert "the weights" not in capsys.readouterr().err


def test_weights_that_do_not_tell(first: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(load_weights(first.folder)[0], tmp_path / "plain.pth")
    trained(tmp_path / "second", silent(first), weights=tmp_path / "plain.pth")
    assert capsys.readouterr().err.count("the weights do not say how their images were normalised: normalize: {") == 1
    scores = specgraph.evaluate(silent(first), weights=tmp_path / "plain.pth", device="cpu")
    assert any("normalize: {mean: [" in note for note in scores.notes)


def test_eval_takes_them(first: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A spec with weights scores as their own run does."""
    spec = tmp_path / "silent.json"
    spec.write_text(json.dumps(silent(first)))
    own = specgraph.evaluate(first, device="cpu")
    scores = specgraph.evaluate(spec, weights=first.folder, device="cpu")
    assert scores.loss == pytest.approx(own.loss, rel=1e-6)
    assert specgraph.evaluate(spec, weights=first.folder, recipe="default", device="cpu").loss != scores.loss
    assert main(["eval", str(first.folder), "--device", "cpu"]) == 0
    assert "each picture is fitted into 12x16 whole, the rest is filled with 9" in capsys.readouterr().err
