"""Several outputs, each with a task of its own: from check to training, resuming, evaluation and prediction."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml
from PIL import Image
from safetensors.torch import load_file

import specgraph
from specgraph.backends.torch.compile import compile_graph
from specgraph.cli.main import main
from specgraph.datasets.random import epoch_order
from specgraph.datasets.shapes import draw_shapes
from specgraph.diagnostics.model import Diagnostic
from specgraph.errors import SpecError
from specgraph.inference.session import Session
from specgraph.inference.source import open_source
from specgraph.runs.run import Run
from specgraph.training.display import Silent
from tests.helpers import ROOT
from tests.training.processes import train_in_processes

FEW: dict[str, Any] = {"data.images": 40, "data.augment": []}
NETWORK: dict[str, Any] = {
    "specgraph": 1,
    "inputs": {"image": [3, 32, 32]},
    "nodes": {
        "conv": {"op": "conv", "out_channels": 8, "kernel_size": 3, "padding": 1},
        "relu": "relu",
        "pool": {"op": "adaptive_avg_pool", "output_size": 4},
        "flatten": "flatten",
        "scores": {"op": "linear", "out_features": 4},
        "numbers": {"op": "linear", "from": "flatten", "out_features": 2},
        "map": {"op": "conv", "from": "relu", "out_channels": 5, "kernel_size": 1},
        "present": {"op": "linear", "from": "flatten", "out_features": 4},
    },
    "outputs": {"kind": "scores", "extent": "numbers", "area": "map", "labels": "present"},
}
LOSSES: dict[str, Any] = {
    "kind": "cross_entropy",
    "extent": "mse",
    "area": "dice",
    "labels": "binary_cross_entropy",
}


def spec(outputs: tuple[str, ...], **recipe: Any) -> dict[str, Any]:
    """The network with some of its outputs, and a recipe that trains them on drawn shapes."""
    data = {"name": "shapes", "size": 32, "images": 40}
    known = {"data": data, "epochs": 2, "batch_size": 8, "loss": {name: LOSSES[name] for name in outputs}}
    ends = {name: NETWORK["outputs"][name] for name in outputs}
    unused = {NETWORK["outputs"][name] for name in NETWORK["outputs"] if name not in outputs}
    nodes = {path: node for path, node in NETWORK["nodes"].items() if path not in unused}
    chosen = {key: value for key, value in (known | recipe).items() if value is not None}
    return {**NETWORK, "name": "heads", "nodes": nodes, "outputs": ends, "recipes": {"default": chosen}}


def train(out: Path, network: Any = None, **more: Any) -> Run:
    options: dict[str, Any] = {"device": "cpu", "report": False, "display": Silent()} | more
    return specgraph.train(network, out=out, **options)


def faults(recipe: dict[str, Any], outputs: tuple[str, ...] = ("kind", "extent")) -> list[Diagnostic]:
    return [one for one in specgraph.check(spec(outputs, **recipe)).diagnostics if one.severity == "error"]


def test_the_spec_with_two_outputs_trains_and_is_judged_by_each(tmp_path: Path) -> None:
    small = {**FEW, "batch_size": 8}
    run = train(tmp_path / "run", ROOT / "specs" / "count-and-kind.yaml", settings=small, epochs=1)
    metrics = {"kind_accuracy", "kind_f1_macro", "extent_mae", "extent_r2"}
    assert {f"test_{name}" for name in metrics} | {"per_class_of_kind", "per_target_of_extent"} <= run.result.keys()
    assert {f"val_{name}" for name in metrics} <= run.metrics[0].keys()
    again = specgraph.evaluate(run)
    assert again.metrics == pytest.approx({name: run.result[f"test_{name}"] for name in again.metrics}, rel=1e-5)


def test_every_task_can_be_a_head_and_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    outputs = ("kind", "extent", "area", "labels")
    network = spec(outputs, schedule={"plateau": {"patience": 1}}, best="area_mean_iou")
    half = train(tmp_path / "half", network, epochs=1)
    longer = specgraph.train(resume=half, epochs=2, device="cpu", report=False, display=Silent())
    at_once = train(tmp_path / "once", network)
    for name in ("best", "last"):
        one, other = (load_file(run.folder / f"{name}.safetensors") for run in (longer, at_once))
        assert all(torch.equal(one[key], other[key]) for key in one)
    unequal = ("seconds", "images_per_second")
    rows = [[{k: v for k, v in row.items() if k not in unequal} for row in run.metrics] for run in (longer, at_once)]
    assert str(rows[0]) == str(rows[1])  # a figure that three images do not tell is not a number


def test_the_first_steps_are_those_of_a_loop_written_by_hand(tmp_path: Path) -> None:
    """Three steps of SGD on the weighted sum of PyTorch's own losses, on images picked in the feed's order."""
    data = {"name": "shapes", "size": 32, "images": 40, "normalize": "none", "validation": "test"}
    optimizer = {"sgd": {"lr": 0.05, "momentum": 0.9}}
    batch, steps = 11, 3
    network = spec(
        ("kind", "extent", "labels"), data=data, optimizer=optimizer, batch_size=batch, epochs=1,
        loss_weights={"extent": 0.5}, precision="fp32",
    )  # fmt: skip
    run = train(tmp_path / "run", network)

    graph = specgraph.load(network)
    module = compile_graph(graph, seed=0).train()
    drawn = draw_shapes(32, 40, {"kind": "class", "extent": "numbers", "labels": "labels"})
    images, labels = drawn.train.source.images_nchw, drawn.train.labels  # type: ignore[union-attr]
    numbers = labels[:, 1:3]
    numbers = (numbers - numbers.mean(0)) / numbers.std(0, correction=0)
    by_hand = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)
    order = epoch_order(0, 0, 32)
    for step in range(steps):
        rows = order[step * batch : (step + 1) * batch]
        found = module(images[rows].float() / 255)
        loss = (
            F.cross_entropy(found["kind"], labels[rows, 0].long())
            + 0.5 * F.mse_loss(found["extent"], numbers[rows])
            + F.binary_cross_entropy_with_logits(found["labels"], labels[rows, 3:])
        )
        by_hand.zero_grad()
        loss.backward()
        by_hand.step()
    trained = load_file(run.folder / "last.safetensors")
    for key, value in module.state_dict().items():
        torch.testing.assert_close(trained[key], value, rtol=1e-4, atol=1e-5)


def test_predictions_and_exported_files_have_all_outputs(tmp_path: Path) -> None:
    run = train(tmp_path / "run", spec(("kind", "extent", "area")), epochs=1)
    drawn = draw_shapes(32, 40, "class").test.source.read(0).permute(1, 2, 0).numpy()
    Image.fromarray(np.asarray(drawn)).save(tmp_path / "one.png")
    file = tmp_path / "model.onnx"
    state, source = load_file(run.folder / "best.safetensors"), open_source(run.folder)
    specgraph.export_onnx(
        source.graph, file, state, preprocess=True, preprocessing=source.preprocessing, metadata=source.metadata
    )
    found = [specgraph.predict(model, [tmp_path / "one.png"])[0].plain() for model in (run, file)]
    assert found[0]["outputs"].keys() == {"kind", "extent", "area"}
    assert found[0]["outputs"]["extent"]["values"] == pytest.approx(found[1]["outputs"]["extent"]["values"], rel=1e-3)
    assert found[0]["outputs"]["kind"]["classes"][0]["class"] == found[1]["outputs"]["kind"]["classes"][0]["class"]
    judged, of_file = specgraph.evaluate(run), specgraph.evaluate(run, weights=file)
    assert of_file.metrics == pytest.approx(judged.metrics, abs=1e-3)


def test_columns_of_a_table_go_to_their_outputs(tmp_path: Path) -> None:
    drawn = draw_shapes(32, 40, {"kind": "class", "extent": "numbers"})
    with (tmp_path / "train.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "shape", "count", "area"])
        for index in range(len(drawn.train)):
            Image.fromarray(drawn.train.source.read(index).permute(1, 2, 0).numpy()).save(tmp_path / f"{index}.png")
            kind, count, area = drawn.train.labels[index].tolist()
            rows.writerow([f"{index}.png", drawn.heads[0].names[int(kind)], count, area])
    data = {
        "name": "table", "file": "train.csv", "root": str(tmp_path),
        "targets": {"kind": "shape", "extent": ["count", "area"]},
    }  # fmt: skip
    run = train(tmp_path / "run", spec(("kind", "extent"), data=data), epochs=1)
    assert run.result["per_class_of_kind"].keys() == {"circle", "square", "triangle", "cross"}
    assert run.result["per_target_of_extent"].keys() == {"count", "area"}
    short = {**data, "targets": {"kind": "shape"}}
    assert [one.code for one in faults({"data": short})] == ["SG551"]
    with pytest.raises(SpecError, match="no column for output `extent`"):
        train(tmp_path / "short", spec(("kind", "extent"), data=short))


@pytest.mark.parametrize(
    ("recipe", "code", "message"),
    [
        ({"loss": {"kinds": "cross_entropy", "extent": "mse"}}, "SG551", "no output `kinds`"),
        ({"loss": None, "task": {"kind": "classification"}}, "SG551", "nothing says what output `extent` learns"),
        ({"loss": {"kind": "cross_entropi", "extent": "mse"}}, "SG213", "unknown loss `cross_entropi`"),
        ({"loss": {"kind": "mse", "extent": "mse"}}, "SG543", "`scores` gives 4 values"),
        ({"data": {"name": "mnist"}}, "SG551", "no targets for several outputs"),
        ({"best": "accuracy"}, "SG541", "no output has a metric `accuracy`"),
        ({"loss_weights": {"kinds": 2}}, "SG515", "`kinds` is no output that the recipe trains"),
        (
            {"loss": {"kind": {"cross_entropy": {"class_weights": {"circl": 2}}}, "extent": "mse"}},
            "SG547",
            "class_weights names `circl`",
        ),
    ],
)
def test_check_says_what_several_outputs_lack(recipe: dict[str, Any], code: str, message: str) -> None:
    found = faults(recipe)
    assert any(message in one.message and one.code == code for one in found), found


def test_two_outputs_have_no_fault() -> None:
    assert faults({}) == []
    assert faults({"loss": None, "task": {"kind": "classification", "extent": "regression"}}) == []
    assert faults({"loss_weights": {"extent": 0.5}, "best": "kind_accuracy"}) == []


def test_files_of_several_outputs_give_probabilities_where_there_are_some(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tmp_path / "run", spec(("kind", "extent", "labels")), epochs=1)
    plain, ended = (str(tmp_path / f"{name}.onnx") for name in ("plain", "ended"))
    assert main(["export", str(run.folder), "--onnx", plain, "--verify"]) == 0
    assert main(["export", str(run.folder), "--onnx", ended, "--softmax", "--verify"]) == 0
    x = {"image": torch.randn(3, 3, 32, 32).numpy()}
    scores, shares = (Session(file, "cpu").run(x, ["kind", "extent", "labels"]) for file in (plain, ended))
    assert shares["kind"] == pytest.approx(torch.from_numpy(scores["kind"]).softmax(1).numpy(), abs=1e-5)
    assert shares["labels"] == pytest.approx(torch.from_numpy(scores["labels"]).sigmoid().numpy(), abs=1e-5)
    assert (shares["extent"] == scores["extent"]).all()
    image = np.zeros((32, 32, 3), np.uint8)
    one, other = (specgraph.predict(file, [image])[0].plain()["outputs"] for file in (plain, ended))
    assert one["extent"]["values"] == pytest.approx(other["extent"]["values"], rel=1e-5)
    for name, key in (("kind", "classes"), ("labels", "labels")):
        found = [
            {each.get("class", each.get("name")): each["probability"] for each in of[name][key]} for of in (one, other)
        ]
        assert found[0] == pytest.approx(found[1], abs=1e-5)
    assert specgraph.evaluate(run, weights=ended).metrics == pytest.approx(specgraph.evaluate(run).metrics, abs=1e-4)
    capsys.readouterr()
    assert main(["export", str(run.folder), "--onnx", str(tmp_path / "no.onnx"), "--argmax"]) == 2
    assert "--argmax is for one output, and the network has kind, extent, labels" in capsys.readouterr().err
    numbers = train(tmp_path / "numbers", spec(("extent",)), epochs=1)
    assert specgraph.evaluate(numbers).metrics["extent_mae"] == pytest.approx(numbers.result["test_extent_mae"])
    assert main(["export", str(numbers.folder), "--onnx", str(tmp_path / "no.onnx"), "--softmax"]) == 2
    assert "--softmax gives probabilities, and its tasks have none" in capsys.readouterr().err


def test_files_of_several_outputs_in_eight_bits_and_for_triton(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tmp_path / "run", spec(("kind", "extent")), epochs=1)
    assert main(["export", str(run.folder), "--onnx", str(tmp_path / "small.onnx"), "--int8", "--verify"]) == 0
    said = capsys.readouterr().out
    assert "accuracy of kind on 8 test images" in said
    assert "extent: " in said
    assert main(["export", str(run.folder), "--triton", str(tmp_path / "triton"), "--preprocess"]) == 0
    config = (tmp_path / "triton" / "heads" / "config.pbtxt").read_text()
    assert 'name: "kind", data_type: TYPE_FP32, dims: [ 4 ], label_filename: "kind.labels.txt"' in config
    assert 'name: "extent", data_type: TYPE_FP32, dims: [ 2 ]' in config
    labels = (tmp_path / "triton" / "heads" / "kind.labels.txt").read_text().split()
    assert labels == ["circle", "square", "triangle", "cross"]


def test_mixed_images_mix_the_rows_of_all_outputs(tmp_path: Path) -> None:
    """The loss of a mixed batch is that of both targets, in the images' shares."""
    mixed = {"data": {"name": "shapes", "size": 32, "images": 40, "augment": ["mixup"]}}
    network = spec(("kind", "extent", "labels"), **mixed)
    half = train(tmp_path / "half", network, settings={"schedule": "constant"}, epochs=1)
    longer = specgraph.train(resume=half, epochs=2, device="cpu", report=False, display=Silent())
    at_once = train(tmp_path / "once", network, settings={"schedule": "constant"})
    one, other = (load_file(run.folder / "last.safetensors") for run in (longer, at_once))
    assert all(torch.equal(one[key], other[key]) for key in one)
    with pytest.raises(SpecError, match="mixup mixes images, and output `area` learns a map"):
        train(tmp_path / "map", spec(("kind", "area"), **mixed))


@pytest.mark.campaign  # the suite has a run of two processes in tests/training/test_distributed.py
def test_several_processes_train_several_outputs_like_one(tmp_path: Path) -> None:
    """Of the losses dice alone is one of a whole batch, and each process has its part of that."""
    loss = {"kind": "cross_entropy", "extent": "mse", "area": "cross_entropy"}
    network = spec(tuple(loss), loss=loss, precision="fp32", loss_weights={"extent": 0.5})
    file = tmp_path / "heads.yaml"
    file.write_text(yaml.safe_dump(network, sort_keys=False))
    alone = train(tmp_path / "one", str(file))
    train_in_processes(2, [str(file), "--out", str(tmp_path / "two")])
    two = Run(tmp_path / "two")
    one, other = (load_file(run.folder / "last.safetensors") for run in (alone, two))
    for key, value in one.items():
        torch.testing.assert_close(other[key], value, atol=1e-5, rtol=1e-4)
    assert two.result["test_extent_mae"] == pytest.approx(alone.result["test_extent_mae"], rel=1e-3)
    assert two.result["test_area_pixel_accuracy"] == pytest.approx(alone.result["test_area_pixel_accuracy"], abs=1e-2)
