"""Exported files are judged like their runs, on the run's data and on other data; each class has figures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

import specgraph
from specgraph.cli.main import main
from specgraph.errors import CommandError
from specgraph.runs.run import Run
from specgraph.tasks.registry import task
from specgraph.training.display import Silent
from tests.helpers import ROOT, some_in_suite
from tests.tasks.test_tasks import SPECS, train


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    known: dict[str, Run] = {}

    def get(name: str) -> Run:
        out = tmp_path_factory.mktemp(name) / "run"
        if name == "classification" and name not in known:
            spec = ROOT / "specs" / "lenet.json"
            known[name] = specgraph.train(
                spec, data="digits", epochs=1, out=out, device="cpu", report=False, display=Silent()
            )
        elif name not in known:
            known[name] = train(name, out)
        return known[name]

    return get


@pytest.mark.parametrize(
    ("name", "flags"),
    [(name, []) for name in ("classification", *SPECS)]
    + [(name, ["--softmax"]) for name in ("classification", "multi_label", "segmentation")]
    + [(name, ["--preprocess"]) for name in ("classification", "segmentation", "image")],
)
def test_a_file_scores_what_its_run_scores(
    name: str, flags: list[str], runs: Callable[[str], Run], tmp_path: Path
) -> None:
    run, file = runs(name), tmp_path / "net.onnx"
    assert main(["export", str(run.folder), "--onnx", str(file), *flags]) == 0
    of_run, of_file = specgraph.evaluate(run, device="cpu"), specgraph.evaluate(run, weights=file, device="cpu")
    assert of_file.num_images == of_run.num_images
    assert of_file.metrics == pytest.approx(of_run.metrics, rel=1e-3)
    assert of_file.loss == pytest.approx(of_run.loss, rel=1e-3)
    assert of_file.details.keys() == of_run.details.keys()


@pytest.mark.parametrize("name", some_in_suite(["classification", "multi_label", "regression"], 2))
def test_a_file_alone_is_judged_on_named_data(name: str, runs: Callable[[str], Run], tmp_path: Path) -> None:
    run, file = runs(name), tmp_path / "net.onnx"
    main(["export", str(run.folder), "--onnx", str(file)])
    data = "digits" if name == "classification" else "shapes"
    spec = ROOT / "specs" / ("lenet.json" if name == "classification" else f"{SPECS[name]}.yaml")
    one = specgraph.evaluate(spec, data, weights=run.folder, device="cpu")
    other = specgraph.evaluate(file, data, device="cpu")
    assert other.metrics == pytest.approx(one.metrics, rel=1e-3)
    assert other.loss == pytest.approx(one.loss, rel=1e-3)
    assert other.task == name


def test_class_numbers_are_judged_without_a_loss(runs: Callable[[str], Run], tmp_path: Path, capsys: Any) -> None:
    run, file = runs("segmentation"), tmp_path / "net.onnx"
    main(["export", str(run.folder), "--onnx", str(file), "--argmax"])
    capsys.readouterr()
    assert main(["eval", str(run.folder), "--weights", str(file), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["loss"] is None
    assert found["mean_iou"] == pytest.approx(specgraph.evaluate(run).metrics["mean_iou"])


@pytest.mark.parametrize("name", some_in_suite(["classification", "segmentation"], 2))
def test_a_file_of_class_numbers_alone_is_judged_on_named_data(
    name: str, runs: Callable[[str], Run], tmp_path: Path
) -> None:
    run, file = runs(name), tmp_path / "net.onnx"
    main(["export", str(run.folder), "--onnx", str(file), "--argmax"])
    data = "digits" if name == "classification" else "shapes"
    spec = ROOT / "specs" / ("lenet.json" if name == "classification" else f"{SPECS[name]}.yaml")
    one = specgraph.evaluate(spec, data, weights=run.folder, device="cpu").metrics
    other = specgraph.evaluate(file, data, device="cpu")
    assert math.isnan(other.loss)
    for metric in other.metrics.keys() - {"top5_accuracy"}:
        assert other.metrics[metric] == pytest.approx(one[metric], rel=1e-3), metric
    model = onnx.load(file)
    kept = [entry for entry in model.metadata_props if "class_names" not in entry.key]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    onnx.save(model, file)
    with pytest.raises(CommandError, match="does not say how many classes"):
        specgraph.evaluate(file, data, device="cpu")


@pytest.mark.parametrize("name", ["classification", *SPECS])
def test_figures_for_each_class_are_printed(name: str, runs: Callable[[str], Run], capsys: Any) -> None:
    run = runs(name)
    assert main(["eval", str(run.folder), "--device", "cpu", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {metric.name for metric in task(name).metrics} <= found.keys()
    details = [key for key in found if key.startswith("per_")]
    for key in details:
        assert found[key] == run.result[key]
    assert bool(details) == (name != "image")
    assert main(["eval", str(run.folder), "--device", "cpu"]) == 0
    *rows, last = capsys.readouterr().out.splitlines()
    assert last.startswith(f"{found['data']} test: {task(name).metrics[0].title} ")
    assert [row.split()[0] for row in rows[1:]] == [name for key in details for name in found[key]]


def test_what_cannot_be_judged_is_said(runs: Callable[[str], Run], tmp_path: Path) -> None:
    run, file = runs("regression"), tmp_path / "net.onnx"
    main(["export", str(run.folder), "--onnx", str(file)])
    for arguments, message in (
        (((file,), {}), "does not say on which data"),
        (((file, "shapes"), {"weights": file}), "has its own weights"),
        (((file, "shapes"), {"split": "rest"}), "no split `rest`"),
        (((file, "digits"), {}), "needs numbers"),
        (((file, ([], [])), {}), "a data set with a name"),
        (((runs("multi_label"),), {"weights": file}), "trained for the task regression"),
    ):
        with pytest.raises(CommandError, match=message):
            specgraph.evaluate(*arguments[0], **arguments[1])
