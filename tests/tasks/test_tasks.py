"""Each task trains, is judged, resumes to the same bits and is evaluated again, by its own spec on a few shapes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import specgraph
from specgraph.errors import CommandError
from specgraph.runs.run import Run
from specgraph.tasks.registry import task
from specgraph.training.display import Silent
from tests.helpers import ROOT

SPECS = {
    "multi_label": "labels-small",
    "regression": "count-small",
    "segmentation": "unet-small",
    "image": "autoencoder-small",
}
FEW = {"data.images": 40}


def train(name: str, out: Path, **more: object) -> Run:
    spec = ROOT / "specs" / f"{SPECS[name]}.yaml"
    options = {"settings": FEW, "epochs": 2, "device": "cpu", "report": False, "display": Silent()} | more
    return specgraph.train(spec, out=out, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SPECS)
def test_a_task_trains_and_is_judged(name: str, tmp_path: Path) -> None:
    run = train(name, tmp_path / "run")
    metrics = [metric.name for metric in task(name).metrics]
    assert {f"test_{metric}" for metric in metrics} <= run.result.keys()
    assert {f"train_{metrics[0]}", *(f"val_{metric}" for metric in metrics)} <= run.metrics[0].keys()
    again = specgraph.evaluate(run)
    assert again.metrics == pytest.approx({metric: run.result[f"test_{metric}"] for metric in metrics}, rel=1e-5)


def test_thresholds_go_on_where_they_were(tmp_path: Path) -> None:
    """F1 of an epoch is that of the thresholds chosen in the epoch before, and it may pick the epoch."""
    settings = {**FEW, "schedule": "constant", "best": "f1_macro"}
    half = train("multi_label", tmp_path / "half", settings=settings, epochs=1)
    longer = specgraph.train(resume=half, epochs=2, device="cpu", report=False, display=Silent())
    at_once = train("multi_label", tmp_path / "once", settings=settings)
    figures = [
        [str(row["val_f1_micro"]) + str(row["val_f1_macro"]) for row in run.metrics] for run in (longer, at_once)
    ]
    assert figures[0] == figures[1]
    assert longer.result["thresholds"] == at_once.result["thresholds"]


def test_a_run_of_a_task_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole = train("segmentation", tmp_path / "whole")
    with pytest.raises(CommandError, match="reached epoch 2"):
        specgraph.train(resume=whole, epochs=1, device="cpu", display=Silent())
    half = train("segmentation", tmp_path / "half", settings={**FEW, "schedule": "constant"}, epochs=1)
    longer = specgraph.train(resume=half, epochs=2, device="cpu", report=False, display=Silent())
    at_once = train("segmentation", tmp_path / "once", settings={**FEW, "schedule": "constant"})
    one, other = (load_file(run.folder / "last.safetensors") for run in (longer, at_once))
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_names_and_folders_with_dollars_come_back(tmp_path: Path) -> None:
    """In a spec a dollar begins an expression; that of a run is read again by all that use it."""
    place = tmp_path / "my $data"
    place.mkdir()
    lines = ["image,a$b"]
    for number in range(12):
        Image.new("RGB", (8, 8), (number * 20, 90, 30)).save(place / f"{number}.png")
        lines.append(f"{number}.png,{number}")
    (place / "all.csv").write_text("\n".join(lines) + "\n")
    data = {"name": "table", "root": f"{tmp_path}/my $$data", "file": "all.csv", "targets": "a$$b"}
    spec = {
        "specgraph": 1,
        "inputs": {"image": [3, 8, 8]},
        "nodes": {"flatten": "flatten", "fc": {"op": "linear", "out_features": 1}},
        "recipes": {"r": {"task": "regression", "data": {**data, "units": {"a$b": "k$$"}}, "epochs": 1}},
    }
    run = specgraph.train(spec, out=tmp_path / "run", device="cpu", report=False, display=Silent())
    again = specgraph.evaluate(run.folder)
    assert set(again.details["per_target"]) == {"a$b"}
    (found,) = specgraph.predict(run.folder, [place / "3.png"])
    assert "a$b " in found.words()[0]
    assert found.words()[0].endswith(" k$")
    changed = specgraph.load(spec, set={"recipe.epochs": 2})
    assert specgraph.load(changed.resolved).recipes["r"].data.targets == "a$b"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"best": "accuracy"}, "segmentation has no metric `accuracy`"),
        ({"loss": "mse"}, "the loss mse is none of segmentation"),
        ({"loss": {"cross_entropy": {"class_weights": {"crosses": 2}}}}, "class_weights names `crosses`"),
        ({"data.sampler": "balanced"}, "needs a class for each image"),
        ({"data.name": "digits"}, "needs masks"),
    ],
)
def test_what_does_not_fit_a_task_is_said(settings: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=message):
        train("segmentation", tmp_path / "run", settings={**FEW, **settings})
