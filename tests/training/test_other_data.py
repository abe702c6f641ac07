"""Evaluating on data other than those trained on: classes by name, normalised as in training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import specgraph
from specgraph.cli.main import main
from specgraph.datasets.classes import class_positions
from specgraph.errors import CommandError

LEVELS = {"black": 10, "grey": 110, "light": 170, "white": 230}
SPEC = {
    "specgraph": 1,
    "name": "levels",
    "inputs": {"image": [1, 8, 8]},
    "nodes": ["flatten", {"op": "linear", "out_features": 16}, "relu", {"op": "linear", "out_features": 4}],
    "recipes": {
        "default": {
            "data": {"name": "folder"},
            "epochs": 60,
            "batch_size": 16,
            "optimizer": {"adam": {"lr": 0.01}},
        }
    },
}


def folder(root: Path, classes: Sequence[str], count: int = 8) -> Path:
    rng = np.random.default_rng(len(classes))
    for part in ("train", "test"):
        for name in classes:
            (root / part / name).mkdir(parents=True)
            for index in range(count):
                pixels = rng.integers(LEVELS[name] - 10, LEVELS[name] + 10, (8, 8), dtype=np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{index}.png")
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    place = tmp_path_factory.mktemp("levels")
    data = folder(place / "images", tuple(LEVELS))
    return specgraph.train(specgraph.load(SPEC), data=str(data), out=place / "run", device="cpu", report=False, seed=1)


@pytest.mark.parametrize("classes", [("grey", "light"), ("white",), ("black", "white")])
def test_a_part_of_the_classes_scores_as_predict_says(run: Any, classes: tuple[str, ...], tmp_path: Path) -> None:
    """Its own mean and deviation would make any two levels look like black and white."""
    data = folder(tmp_path / "part", classes)
    assert run.result["test_accuracy"] > 0.9
    files = sorted((data / "test").rglob("*.png"))
    found = specgraph.predict(run, files, top_k=1)
    right = sum(each.classes[0].name == file.parent.name for file, each in zip(files, found, strict=True))
    scores = specgraph.evaluate(run, str(data), device="cpu")
    assert scores.accuracy == right / len(files) > 0.9
    assert scores.class_names == tuple(LEVELS)


def test_classes_that_the_weights_do_not_know(run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = folder(tmp_path / "part", ("grey",))
    (data / "train" / "grey").rename(data / "train" / "gray")
    (data / "test" / "grey").rename(data / "test" / "gray")
    assert main(["eval", str(run.folder), "--data", str(data)]) == 2
    assert "the weights know the classes black, grey, light, white; " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("own", "known", "positions"),
    [
        (["a", "b"], None, None),
        (["a", "b"], ("a", "b"), None),
        (["b"], ("a", "b"), [1]),
        (["b", "a"], ("a", "b"), [1, 0]),
        (["0", "1"], ("a", "b"), None),
        (["a", "b"], ("0", "1"), None),
    ],
)
def test_positions(own: list[str], known: tuple[str, ...] | None, positions: list[int] | None) -> None:
    found = class_positions(own, known, "these")
    assert (found if found is None else found.tolist()) == positions


@pytest.mark.parametrize(("own", "known"), [(["c"], ("a", "b")), (["0"], ("a", "b")), (["a", "b", "c"], ("0", "1"))])
def test_no_positions(own: list[str], known: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="the weights know"):
        class_positions(own, known, "these")


def test_int8_is_calibrated_on_the_run_s_own_folder(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(run.folder), "--onnx", "q.onnx", "--int8", "--preprocess", "--verify"]) == 0
    shown = capsys.readouterr().out
    assert "32 test images of folder: 100.00% in float32" in shown
    assert "real 1" in shown
    assert "close" in shown


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("eval RUN --set classes=3", "a run is evaluated as it was trained: --set cannot"),
        ("eval RUN --input-size 4x4 --set a=1", "--set and --input-size cannot"),
        ("predict ONNX x.png --weights RUN", "has its own weights"),
        ("bench ONNX --weights RUN", "has its own weights"),
        ("bench SPEC --weights RUN", "  1.weight: 16x64 in the file, 16x16 in the network"),
    ],
)
def test_what_would_not_be_heeded_is_refused(
    run: Any, words: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, model = tmp_path / "small.json", tmp_path / "net.onnx"
    spec.write_text(json.dumps({**SPEC, "inputs": {"image": [1, 4, 4]}}))
    assert main(["export", str(run.folder), "--onnx", str(model)]) == 0
    places = {"RUN": str(run.folder), "SPEC": str(spec), "ONNX": str(model)}
    assert main([places.get(word, word) for word in words.split()]) == 2
    assert reason in capsys.readouterr().err
