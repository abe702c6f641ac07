"""Training from image files read while training, with crops at full resolution."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from specgraph.checking import load
from specgraph.errors import CommandError
from specgraph.runs.weights import load_weights
from specgraph.training.api import evaluate
from tests.training.conftest import Crash, CrashAt, same_weights, weights_of


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Bright and dark photographs of different sizes."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 24), ("val", 8)):
        for label, name in enumerate(("bright", "dark")):
            folder = tmp_path / "images" / part / name
            folder.mkdir(parents=True)
            for index in range(count):
                height, width = rng.integers(20, 40, 2)
                low = 140 * (1 - label)
                pixels = rng.integers(low, low + 100, (height, width, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}.jpg")
    return tmp_path / "images"


@pytest.fixture
def folder_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """The small network for two classes of colour images, with crops at full resolution."""
    spec["inputs"] = {"image": [3, 8, 8]}
    spec["vars"]["classes"] = 2
    data = {"name": "folder", "augment": [{"random_resized_crop": {"scale": [0.3, 1.0]}}, "horizontal_flip"]}
    spec["recipes"] = {
        "default": {"data": data, "epochs": 6, "batch_size": 10, "optimizer": {"adam": {"lr": 0.01}}},
    }
    return spec


def test_streamed_folder(train_small: Any, folder_spec: dict[str, Any], images: Path, tmp_path: Path) -> None:
    """Learns; the same with and without workers; exact after a crash."""
    alone = train_small(data_root=images, num_workers=0)
    assert alone.result["test_accuracy"] > 0.9
    with pytest.raises(Crash):
        train_small(
            data_root=images, num_workers=2, out=tmp_path / "crashed", display=CrashAt(7), checkpoint_every_s=0.0
        )
    resumed = train_small(resume=tmp_path / "crashed", num_workers=1)
    assert same_weights(weights_of(alone), weights_of(resumed))
    _, metadata = load_weights(alone.folder)
    assert json.loads(metadata["class_names"]) == ["bright", "dark"]
    assert evaluate(alone, device="cpu").accuracy == alone.result["test_accuracy"]


def test_folder_by_path_replaces_the_data_of_a_recipe(train_small: Any, spec: dict[str, Any], images: Path) -> None:
    """Nor does it matter that the recipe's own data have more classes."""
    graph = load(spec, set={"classes": 2})
    run = train_small(spec=graph, recipe="plain", data=str(images), epochs=8, batch_size=10)
    assert run.result["test_images"] == 16
    assert run.result["test_accuracy"] > 0.9
    assert evaluate(run, device="cpu").accuracy == run.result["test_accuracy"]


@pytest.mark.parametrize(
    "options", [{"data_root": "images"}, {"data": "./images"}, {"data": "images"}], ids=lambda value: str(value)
)
def test_run_is_found_from_another_folder(
    train_small: Any,
    folder_spec: dict[str, Any],
    images: Path,
    tmp_path: Path,
    monkeypatch: Any,
    options: dict[str, Any],
) -> None:
    """Relative places of data and weights are those of the folder it was started in."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(train_small(epochs=1, **options).folder / "last.safetensors", "start.safetensors")
    options |= {"num_workers": 0, "weights": "start.safetensors"}
    whole = train_small(out="whole", **options)
    for name, every in (("early", 1e9), ("late", 0.0)):
        with pytest.raises(Crash):
            train_small(out=name, display=CrashAt(4), checkpoint_every_s=every, **options)
    last = (tmp_path / "whole" / "last.safetensors").read_bytes()
    accuracy = whole.result["test_accuracy"]
    monkeypatch.chdir(tmp_path / "images")
    for name in ("early", "late"):
        assert (train_small(resume=f"../{name}").folder / "last.safetensors").read_bytes() == last
    assert evaluate("../whole", device="cpu").accuracy == accuracy


def test_data_of_a_run_may_move(train_small: Any, folder_spec: dict[str, Any], images: Path, tmp_path: Path) -> None:
    whole = train_small(data_root=images, epochs=3)
    with pytest.raises(Crash):
        train_small(data_root=images, epochs=3, out=tmp_path / "moved", display=CrashAt(7), checkpoint_every_s=0.0)
    images.rename(tmp_path / "elsewhere")
    with pytest.raises(CommandError, match="there is no folder"):
        train_small(resume=tmp_path / "moved")
    resumed = train_small(resume=tmp_path / "moved", data_root=tmp_path / "elsewhere")
    assert same_weights(weights_of(whole), weights_of(resumed))
    assert evaluate(resumed, device="cpu").accuracy == resumed.result["test_accuracy"]
    again = evaluate(whole, device="cpu", data_root=tmp_path / "elsewhere")
    assert again.accuracy == whole.result["test_accuracy"]


def test_a_recipe_skips_broken_files_of_a_folder_named_without_a_slash(
    train_small: Any, spec: dict[str, Any], images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(images.parent)
    (images / "val" / "dark" / "0.jpg").write_bytes(b"")
    graph = load(spec, set={"classes": 2})
    run = train_small(
        spec=graph, recipe="plain", data="images", epochs=1, batch_size=10, settings={"data.broken_images": "skip"}
    )
    assert run.result["test_images"] == 15
