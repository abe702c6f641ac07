"""Files in 8 bits are calibrated and judged on real images, by the task's metric, as a user runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import specgraph
from specgraph.cli.main import main
from specgraph.errors import CommandError
from specgraph.inference.given_images import image_files
from specgraph.inference.predictor import Predictor
from specgraph.inference.real_images import RealImages
from specgraph.inference.session import Session
from specgraph.inference.source import open_source
from tests.pictures.conftest import MODES


def bright_and_dark(root: Path, channels: int = 3) -> Path:
    """Two classes that every way to resize keeps apart, in pictures of many shapes."""
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for name, low in (("bright", 130), ("dark", 0)):
            (root / part / name).mkdir(parents=True)
            for number in range(10):
                height, width = rng.integers(9, 60, 2)
                pixels = rng.integers(low, low + 120, (height, width, channels), dtype=np.uint8)
                Image.fromarray(pixels if channels == 3 else pixels[..., 0]).save(root / part / name / f"{number}.png")
    return root


def spec_of(root: Path, resize: Any, **data: Any) -> dict[str, Any]:
    return {
        "specgraph": 1,
        "name": "levels",
        "inputs": {"image": [3, 12, 16]},
        "nodes": {
            "conv": {"op": "conv", "out_channels": 4, "kernel_size": 3},
            "relu": "relu",
            "flatten": "flatten",
            "fc": {"op": "linear", "out_features": 2},
        },
        "recipes": {
            "default": {
                "data": {"name": "folder", "root": str(root), "resize": resize, "validation": 0.2, **data},
                "epochs": 5,
                "batch_size": 8,
                "optimizer": {"adam": {"lr": 0.01}},
            }
        },
    }


@pytest.mark.parametrize("flags", [(), ("--preprocess",), ("--preprocess", "--softmax"), ("--argmax",)], ids=" ".join)
@pytest.mark.parametrize("mode", ["stretch", "crop-share", "pad-fill"])
def test_the_printed_figure_is_that_of_the_file(
    mode: str, flags: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Predictions of the file for the test images, one by one, give the printed accuracy."""
    root = bright_and_dark(tmp_path / "images")
    run = specgraph.train(spec_of(root, MODES[mode]), out=tmp_path / "run", device="cpu", report=False)
    model = str(tmp_path / "q.onnx")
    assert main(["export", str(run.folder), "--onnx", model, "--int8", "--verify", *flags]) == 0
    shown = capsys.readouterr().out
    assert "random" not in shown
    files = list(image_files([root / "test"]))
    right = [
        each.classes[0].name == file.parent.name
        for each, file in zip(Predictor(model).predict(files), files, strict=True)
    ]
    assert f"accuracy on 20 test images of folder: 100.00% in float32, {np.mean(right):.2%} in int8" in shown


def test_broken_images_are_heeded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = bright_and_dark(tmp_path / "images")
    run = specgraph.train(spec_of(root, "stretch", broken_images="skip"), out=tmp_path / "run", device="cpu",
                          report=False)  # fmt: skip
    other = specgraph.train(spec_of(root, "stretch"), out=tmp_path / "strict", device="cpu", report=False)
    (root / "test/dark/3.png").write_text("no picture")
    for words in (["--int8"], ["--verify"], ["--int8", "--preprocess", "--verify"]):
        assert main(["export", str(run.folder), "--onnx", str(tmp_path / "q.onnx"), *words]) == 0
        shown = capsys.readouterr()
        assert "random inputs only" not in shown.err
        if "--int8" in words:
            assert "19 test images" in shown.out
    assert main(["export", str(other.folder), "--onnx", str(tmp_path / "q.onnx"), "--int8"]) == 2
    assert "3.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spec", "settings"),
    [
        ("unet-small", {"batch_size": 8}),
        ("labels-small", {}),
        ("count-small", {}),
        ("autoencoder-small", {}),
    ],
)
def test_other_tasks_have_their_own_metric(spec: str, settings: dict[str, Any], tmp_path: Path) -> None:
    """In float32 it is that of the run itself."""
    from tests.helpers import SPECS

    fewer = {**settings, "epochs": 1, "data.images": 60}
    run = specgraph.train(SPECS / f"{spec}.yaml", settings=fewer, out=tmp_path / "run", device="cpu", report=False)
    specgraph.export_onnx(run.load_graph(), tmp_path / "net.onnx", run.load_module().state_dict(), preprocessing=None)
    images = RealImages(open_source(run.folder))
    score = images.score(Session(tmp_path / "net.onnx", "cpu"), "test", 1000)
    assert score.num_images == run.result["test_images"]
    assert score.value == pytest.approx(run.result[f"test_{score.metric.name}"], rel=1e-3, abs=1e-3)


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    root = bright_and_dark(tmp_path / "images")
    run = specgraph.train(spec_of(root, "pad"), out=tmp_path / "run", device="cpu", report=False)
    root.rename(tmp_path / "elsewhere")
    with pytest.raises(CommandError, match="there is no folder"):
        RealImages(open_source(run.folder))
    assert RealImages(open_source(run.folder), None, tmp_path / "elsewhere").name == "folder"
