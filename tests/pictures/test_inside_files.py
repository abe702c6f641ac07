"""What an exported file does to raw bytes is what training did to the picture."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

import specgraph
from specgraph.backends.onnx.export import export_onnx
from specgraph.cli.main import main
from specgraph.datasets.preprocessing import Preprocessing
from specgraph.inference.preprocess import normalise, to_pixels
from specgraph.inference.session import Session
from specgraph.recipes.resizing import RESIZE
from tests.onnx.support import graph_of, random_module
from tests.pictures.conftest import MODES, SHAPES, write_picture
from tests.pictures.test_int8 import bright_and_dark, spec_of

SIZE = (24, 32)
NORMALISED = "x0/normalised"
MEAN, STD = (0.48, 0.45, 0.4), (0.23, 0.24, 0.22)


def exported(folder: Path, mode: Any, channels: int, *, whole_numbers: bool = True) -> tuple[Session, Preprocessing]:
    """A file that gives what its preprocessing computes, and what it says of it."""
    graph = graph_of([[channels, *SIZE]], {"flatten": "flatten", "fc": {"op": "linear", "out_features": 2}})
    known = Preprocessing(SIZE, channels, MEAN[:channels], STD[:channels])
    known = known.resized(RESIZE.check(mode), whole_numbers=whole_numbers)
    state = random_module(graph).state_dict()
    export_onnx(graph, folder / "raw.onnx", state, preprocess=True, preprocessing=known)
    model = onnx.load(folder / "raw.onnx")
    model.graph.output.add().name = NORMALISED
    return Session(model.SerializeToString(), "cpu"), known


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_raw_bytes(mode: str, channels: int, tmp_path: Path) -> None:
    """Within a step of 255 in every pixel; nearly all are equal."""
    session, known = exported(tmp_path, MODES[mode], channels)
    std = np.asarray(known.std).reshape(-1, 1, 1)
    for number, shape in enumerate(SHAPES):
        write_picture(tmp_path / "picture.png", shape, channels, number)
        picture = Image.open(tmp_path / "picture.png")
        raw = np.asarray(picture).reshape(1, *shape, channels)
        found = session.run({"x0": raw}, [NORMALISED])[NORMALISED][0]
        wanted = normalise(to_pixels(picture, known), known)
        steps = np.abs(found - wanted) * std * 255
        assert steps.max() < 1.01, shape
        assert (steps > 0.01).mean() < 0.05, shape


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("opset", [18, 26])
def test_opsets(mode: str, opset: int, tmp_path: Path) -> None:
    """The nodes are legal, and run for batches of any size."""
    graph = graph_of([[3, *SIZE]], {"flatten": "flatten", "fc": {"op": "linear", "out_features": 2}})
    known = Preprocessing(SIZE, 3, MEAN, STD).resized(RESIZE.check(MODES[mode]), whole_numbers=True)
    path = tmp_path / "raw.onnx"
    state = random_module(graph).state_dict()
    export_onnx(graph, path, state, preprocess=True, preprocessing=known, opset=opset)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    (found,) = Session(path, "cpu").run({"x0": np.zeros((2, 50, 70, 3), np.uint8)}).values()
    assert found.shape == (2, 2)


@pytest.mark.parametrize("mode", ["stretch", "crop-share", "pad-fill", "bicubic"])
def test_images_in_memory(mode: str, tmp_path: Path) -> None:
    """Their pixels are not rounded, inside the file either."""
    session, known = exported(tmp_path, MODES[mode], 3, whole_numbers=False)
    for number, shape in enumerate(SHAPES):
        write_picture(tmp_path / "picture.png", shape, 3, number)
        picture = Image.open(tmp_path / "picture.png")
        found = session.run({"x0": np.asarray(picture)[None]}, [NORMALISED])[NORMALISED][0]
        wanted = normalise(to_pixels(picture, known), known)
        assert (np.abs(found - wanted) * np.asarray(STD).reshape(-1, 1, 1) * 255).max() < 0.1, shape


@pytest.mark.parametrize("flags", [(), ("--preprocess",)], ids=str)
def test_triton_is_told(flags: tuple[str, ...], tmp_path: Path) -> None:
    """The configuration holds what happens to images, and where; raw images may have any size."""
    root = bright_and_dark(tmp_path / "images")
    run = specgraph.train(spec_of(root, "pad"), out=tmp_path / "run", device="cpu", report=False, epochs=1)
    assert main(["export", str(run.folder), "--triton", str(tmp_path / "served"), *flags]) == 0
    config = (tmp_path / "served/levels/config.pbtxt").read_text()
    found = {
        key: json.loads(f'"{text}"')
        for key, text in re.findall(r'key: "(\w+)", value: \{ string_value: "((?:[^"\\]|\\.)*)"', config)
    }
    known = Preprocessing.from_plain(json.loads(found["preprocessing"]))
    assert known.resize == RESIZE.check("pad")
    assert found["preprocessing_inside"] == str(bool(flags)).lower()
    assert ("dims: [ -1, -1, 3 ]" in config) == bool(flags)
