"""Networks with several inputs on Hugging Face data and WebDataset shards: a column of images for each input.

The same small samples lie in all three forms, as PNG files beside a table, saved to disk by `datasets` itself, and as
tar files, so that training on each gives the very same weights.
"""

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import specgraph
from specgraph.errors import CommandError, SpecError
from specgraph.runs.run import Run
from specgraph.training.display import Silent

RANDOM = np.random.default_rng(7)
PARTS = {"train": range(12), "validation": range(12, 16), "test": range(16, 20)}
FRONT = RANDOM.integers(0, 256, (20, 9, 11, 3), dtype=np.uint8)
SIDE = RANDOM.integers(0, 256, (20, 6, 5), dtype=np.uint8)
WEIGHTS = RANDOM.normal(size=(20, 2)).round(2)
TARGETS = {"classification": "kind", "regression": "weight", "segmentation": "mask", "image": "made"}


def pictures(place: int) -> dict[str, Image.Image]:
    """The images of a sample: those of both inputs, a mask of the first one, and one to be made."""
    return {
        "front": Image.fromarray(FRONT[place]),
        "side": Image.fromarray(SIDE[place]),
        "mask": Image.fromarray(FRONT[place, ..., 0] % 3),
        "made": Image.fromarray(255 - FRONT[place]),
    }


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def as_table(folder: Path) -> dict[str, Any]:
    with (folder / "views.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["part", "kind", "weight", "height", *pictures(0)])
        for part, places in PARTS.items():
            for place in places:
                names = []
                for name, image in pictures(place).items():
                    names.append(f"{place}-{name}.png")
                    image.save(folder / names[-1])
                rows.writerow([part, place % 3, *WEIGHTS[place], *names])
    return {"name": "table", "file": "views.csv", "split": "part"}


def as_shards(folder: Path) -> dict[str, Any]:
    for part, places in PARTS.items():
        with tarfile.open(folder / f"{part}-0.tar", "w") as archive:
            for place in places:
                said = f'{{"weight": {WEIGHTS[place, 0]}, "height": {WEIGHTS[place, 1]}}}'.encode()
                members = {f"{name}.png": png(image) for name, image in pictures(place).items()}
                for ending, content in (members | {"kind.cls": str(place % 3).encode(), "json": said}).items():
                    member = tarfile.TarInfo(f"{place:06d}.{ending}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    return {"name": "webdataset", "urls": {part: f"{part}-{{0..0}}.tar" for part in PARTS}}


def as_hugging_face(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    hf = pytest.importorskip("datasets", reason="datasets is not installed")
    monkeypatch.setattr(hf.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr(hf.config, "HF_DATASETS_CACHE", str(folder / "cache"))
    plain = {"kind": hf.ClassLabel(names=["0", "1", "2"]), "weight": hf.Value("float64"), "height": hf.Value("float64")}
    features = hf.Features(plain | {name: hf.Image() for name in pictures(0)})
    splits = {}
    for part, places in PARTS.items():
        said = {
            "kind": [place % 3 for place in places],
            "weight": [float(WEIGHTS[place, 0]) for place in places],
            "height": [float(WEIGHTS[place, 1]) for place in places],
        }
        images = {name: [pictures(place)[name] for place in places] for name in pictures(0)}
        splits[part] = hf.Dataset.from_dict(said | images, features=features)
    hf.DatasetDict(splits).save_to_disk(str(folder / "saved"))
    return {"name": "hf", "dataset": "saved"}


def written(form: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The data in one of the three forms, as a recipe says it."""
    folder.mkdir(parents=True, exist_ok=True)
    if form == "hf":
        made = as_hugging_face(folder, monkeypatch)
    else:
        made = as_table(folder) if form == "table" else as_shards(folder)
    ending = ".png" if form == "webdataset" else ""
    return made | {"root": str(folder), "inputs": {name: name + ending for name in ("front", "side")}}


def column(form: str, task: str) -> Any:
    """What of the data a task learns."""
    if task == "regression":
        return ["weight", "height"]
    if form != "webdataset":
        return TARGETS[task]
    return "kind.cls" if task == "classification" else f"{TARGETS[task]}.png"


def spec(task: str, data: dict[str, Any]) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "wide": {"op": "resize_like", "from": ["side", "front"]},
        "views": {"op": "concat", "from": ["front", "wide"]},
    }
    nodes |= {"made": {"op": "conv", "out_channels": 3, "kernel_size": 3, "padding": 1}}
    if task in ("classification", "regression"):
        outputs = 3 if task == "classification" else 2
        nodes |= {"flatten": "flatten", "fc": {"op": "linear", "out_features": outputs}}
    recipe = {"task": task, "data": data, "epochs": 1, "batch_size": 4, "precision": "fp32"}
    return {
        "specgraph": 1,
        "inputs": {"front": [3, 9, 11], "side": [1, 6, 5]},
        "nodes": nodes,
        "recipes": {"default": recipe},
    }


def train(form: str, task: str, place: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Run:
    data = written(form, place / form, monkeypatch) | {"targets": column(form, task)} | more
    return specgraph.train(
        spec(task, data), out=place / f"{form}-{task}", device="cpu", report=False, display=Silent(), num_workers=0
    )


@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize("form", ["hf", "webdataset"])
def test_columns_of_images_train_as_files_of_a_table(
    form: str, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated = {"classes": ["0", "1", "2"]} if task in ("classification", "segmentation") else {}
    of_files = train("table", task, tmp_path, monkeypatch, **stated)
    found = train(form, task, tmp_path, monkeypatch, **stated)
    one, other = (load_file(run.folder / "best.safetensors") for run in (of_files, found))
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert found.result["test_images"] == len(PARTS["test"])
    assert found.result["test_loss"] == of_files.result["test_loss"]
    assert specgraph.evaluate(found).loss == pytest.approx(found.result["test_loss"], rel=1e-5)


def test_images_that_are_read_while_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets too large for memory: images of both inputs are read in place, sample by sample."""
    whole = train("webdataset", "classification", tmp_path / "whole", monkeypatch)
    monkeypatch.setattr("specgraph.datasets.folder.RESIDENT_BYTES", 10)
    read = train("webdataset", "classification", tmp_path / "read", monkeypatch)
    one, other = (load_file(run.folder / "best.safetensors") for run in (whole, read))
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("form", ["hf", "webdataset"])
def test_columns_that_are_not_there(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = written(form, tmp_path / form, monkeypatch)
    data["targets"] = column(form, "classification")
    ending = data["inputs"]["front"].removeprefix("front")
    for inputs, error, words in (
        ({"front": f"front{ending}"}, SpecError, "data.inputs has no column for input `side`"),
        ({"front": f"front{ending}", "side": f"sid{ending}"}, CommandError, f"no column `sid{ending}`"),
    ):
        with pytest.raises(error, match=words):
            specgraph.train(spec("classification", data | {"inputs": inputs}), out=tmp_path / "run", report=False)
