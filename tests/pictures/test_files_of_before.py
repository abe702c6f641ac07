"""Runs, weights and files that say nothing of `resize` keep the pictures that they were trained with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

import specgraph
from specgraph.datasets.images import read_image
from specgraph.datasets.preprocessing import Preprocessing, preprocessing_of
from specgraph.inference.predictor import Predictor
from specgraph.inference.preprocess import to_pixels
from specgraph.recipes.resizing import RESIZE
from specgraph.runs.weights import load_metadata, save_weights
from tests.pictures.conftest import SHAPES, small_spec, write_picture

BIG, SMALL = (64, 72), (24, 32)


def centre(image: Image.Image, size: tuple[int, int], share: float) -> tuple[float, float, float, float]:
    """The part that version 0.1 kept: `share` of the largest centred one with the aspect of `size`."""
    width, height = image.size
    scale = min(width / size[1], height / size[0]) * share
    left, top = width / 2 - size[1] * scale / 2, height / 2 - size[0] * scale / 2
    return max(left, 0), max(top, 0), min(width - left, width), min(height - top, height)


@pytest.mark.parametrize(("size", "share"), [(BIG, 0.875), (SMALL, 1.0)])
def test_pictures_of_old_runs(size: tuple[int, int], share: float, tmp_path: Path) -> None:
    known = Preprocessing(size, 3, (0.0,) * 3, (1.0,) * 3, share)
    for number, shape in enumerate(SHAPES):
        write_picture(tmp_path / "x.png", shape, 3, number)
        image = Image.open(tmp_path / "x.png")
        box = centre(image, size, share)
        wanted = np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR, box=box))
        trained = read_image(tmp_path / "x.png", 3, size, None).numpy().transpose(1, 2, 0)
        np.testing.assert_array_equal(trained, wanted)
        planes = [p.convert("F").resize((size[1], size[0]), Image.Resampling.BILINEAR, box=box) for p in image.split()]
        np.testing.assert_array_equal(to_pixels(image, known), np.stack([np.asarray(plane) for plane in planes]))


def make_old(folder: Path, share: float) -> None:
    """Take out of a run what version 0.1 did not write."""
    spec = json.loads(json.dumps(specgraph.load(folder / "spec.yaml").resolved))
    for recipe in spec["recipes"].values():
        del recipe["data"]["resize"]
    (folder / "spec.yaml").write_text(json.dumps(spec))
    for name in ("best", "last"):
        path = folder / f"{name}.safetensors"
        metadata = load_metadata(path)
        said = json.loads(metadata["preprocessing"])
        del said["resize"], said["whole_numbers"]
        save_weights(path, load_file(path), {**metadata, "preprocessing": {**said, "crop": share}})


@pytest.fixture
def old(pictures: Any, tmp_path: Path) -> Any:
    """A run as version 0.1 left it."""
    spec = small_spec(3, BIG, {"crop": {"share": 0.875}}, pictures(3))
    run = specgraph.train(spec, out=tmp_path / "old", device="cpu", report=False)
    make_old(run.folder, 0.875)
    return run


def test_an_old_run_is_read_as_it_was(old: Any) -> None:
    assert preprocessing_of(load_metadata(old.folder)) == Preprocessing(
        BIG, 3, *_statistics(old), crop=0.875, resize=None
    )
    scores = specgraph.evaluate(old, device="cpu")
    assert scores.notes == (
        "each picture is cropped to 64x72: 87.5% of the largest centred part of that aspect, "
        "as in all runs before data.resize",
    )
    assert Predictor(old.folder).preprocessing.resize is None


def test_its_files_with_preprocessing_crop(old: Any, tmp_path: Path) -> None:
    """The crop is of whole pixels inside the file, which says so."""
    from specgraph.cli.main import main

    for flags in ([], ["--preprocess"]):
        assert main(["export", str(old.folder), "--onnx", str(tmp_path / "net.onnx"), "--verify", *flags]) == 0
        found = Predictor(tmp_path / "net.onnx").preprocessing.resize
        assert found == (RESIZE.check({"crop": {"share": 0.875}}) if flags else None)


def test_weights_of_an_old_run_bring_its_crop(old: Any, tmp_path: Path) -> None:
    spec = small_spec(3, BIG, None, Path(old.load_graph().recipes["default"].data.root))
    run = specgraph.train(spec, weights=old.folder, out=tmp_path / "new", device="cpu", report=False)
    data = run.load_graph().recipes["default"].data
    assert data is not None
    assert data.resize == RESIZE.check({"crop": {"share": 0.875}})


def _statistics(run: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    said = json.loads(load_metadata(run.folder)["preprocessing"])
    return tuple(said["mean"]), tuple(said["std"])
