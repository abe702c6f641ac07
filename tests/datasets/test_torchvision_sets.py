"""Sets of torchvision in their own files, without a download."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from specgraph.datasets.mask_folder import VOC_CLASSES
from specgraph.datasets.samples import Dataset
from specgraph.datasets.torchvision_names import TORCHVISION_SETS
from specgraph.datasets.torchvision_sets import read_torchvision
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data
from specgraph.recipes.resizing import Stretch
from tests.datasets.test_voc import write_voc

RNG = np.random.default_rng(0)


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (12, 16, 3), dtype=np.uint8)).save(path)
    return path


def write_dtd(root: Path) -> None:
    base = root / "dtd/dtd"
    (base / "labels").mkdir(parents=True)
    for part, count in (("train", 6), ("val", 2), ("test", 4)):
        names = [f"{'banded' if place % 2 else 'woven'}/{part}_{place}.jpg" for place in range(count)]
        for name in names:
            picture(base / "images" / name)
        (base / f"labels/{part}1.txt").write_text("\n".join(names) + "\n")


def write_food(root: Path) -> None:
    base = root / "food-101"
    (base / "meta").mkdir(parents=True)
    for part, count in (("train", 4), ("test", 2)):
        names = {kind: [f"{kind}/{part}{place}" for place in range(count)] for kind in ("apple_pie", "ramen")}
        for name in sum(names.values(), []):  # noqa: RUF017
            picture(base / "images" / f"{name}.jpg")
        (base / f"meta/{part}.json").write_text(json.dumps(names))


def write_pets(root: Path) -> None:
    base = root / "oxford-iiit-pet"
    (base / "annotations/trimaps").mkdir(parents=True)
    for part, places in (("trainval", range(4)), ("test", range(4, 6))):
        lines = []
        for place in places:
            kind = place % 2 + 1
            name = f"{'Abyssinian' if kind == 1 else 'beagle'}_{place}"
            picture(base / f"images/{name}.jpg")
            trimap = np.full((12, 16), 2, np.uint8)
            trimap[3:9, 3:9] = 3
            trimap[4:8, 4:8] = 1
            Image.fromarray(trimap).save(base / f"annotations/trimaps/{name}.png")
            lines.append(f"{name} {kind} {kind} 1")
        (base / f"annotations/{part}.txt").write_text("\n".join(lines) + "\n")


def write_eurosat(root: Path) -> None:
    for kind in ("Forest", "River"):
        for place in range(5):
            picture(root / f"eurosat/2750/{kind}/{kind}_{place}.jpg")


def read(root: Path, name: str, targets: str = "class", **more: Any) -> Dataset:
    data = Data(name="torchvision", dataset=name, root=str(root), resize=Stretch(), **more)
    return read_torchvision(data, targets, (12, 16), 3)


@pytest.mark.parametrize(
    ("name", "write", "counts", "classes"),
    [
        ("DTD", write_dtd, (6, 2, 4), ("banded", "woven")),
        ("Food101", write_food, (8, None, 4), ("apple_pie", "ramen")),
        ("OxfordIIITPet", write_pets, (4, None, 2), ("Abyssinian", "Beagle")),
        ("EuroSAT", write_eurosat, (8, None, 2), ("Forest", "River")),
    ],
)
def test_classes(tmp_path: Path, name: str, write: Any, counts: tuple[int | None, ...], classes: tuple[str]) -> None:
    write(tmp_path)
    found = read(tmp_path, name)
    parts = (found.train, found.validation, found.test)
    assert tuple(None if part is None else len(part) for part in parts) == counts
    assert found.class_names == classes
    if name != "EuroSAT":
        options = {"train": {"split": "trainval" if name == "OxfordIIITPet" else "train"}, "test": {"split": "test"}}
        for part, samples in (("train", found.train), ("test", found.test)):
            own = getattr(torchvision.datasets, name)(str(tmp_path), **options[part])
            assert samples.labels.tolist() == [label for _, label in own]
            assert samples.resident is not None
            for image, (wanted, _) in zip(samples.resident, own, strict=True):
                assert np.array_equal(image.permute(1, 2, 0).numpy(), np.asarray(wanted))


def test_masks(tmp_path: Path) -> None:
    write_pets(tmp_path / "pets")
    found = read(tmp_path / "pets", "OxfordIIITPet", "mask")
    assert found.train.source.read(0)[-1].unique().tolist() == [1, 2, 3]
    assert found.num_classes == 4
    masks = write_voc(tmp_path / "voc/VOCdevkit/VOC2012")
    voc = read_torchvision(
        Data(name="torchvision", dataset="VOCSegmentation", root=str(tmp_path / "voc"), resize=Stretch()),
        "mask", (20, 30), 3,
    )  # fmt: skip
    assert voc.class_names == VOC_CLASSES
    assert (len(voc.train), len(voc.test)) == (3, 2)
    assert np.array_equal(voc.train.source.read(1)[-1].numpy(), masks["2007_000039"])


def test_sets_with_a_flag_for_training_and_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Downloaded(torch.utils.data.Dataset):
        """As MNIST: a flag, labels as a tensor, and files that are not there until they are downloaded."""

        def __init__(self, root: str, train: bool = True, download: bool = False, shade: int = 0) -> None:
            if not download:
                raise RuntimeError("Dataset not found. You can use download=True to download it")
            self.count, self.shade = (6 if train else 2), shade
            self.targets = torch.arange(self.count) % 2
            self.classes = ["0 - zero", "1 - one"]

        def __len__(self) -> int:
            return self.count

        def __getitem__(self, place: int) -> tuple[Image.Image, int]:
            return Image.new("L", (8, 8), self.shade), int(self.targets[place])

    monkeypatch.setattr(torchvision.datasets, "MNIST", Downloaded)
    found = read(tmp_path, "MNIST", options={"shade": 7})
    assert (len(found.train), len(found.test), found.class_names) == (6, 2, ("0 - zero", "1 - one"))
    assert found.train.source.read(0).unique().tolist() == [7]
    with pytest.raises(CommandError, match="takes no `colour`"):
        read(tmp_path, "MNIST", options={"colour": 7})


@pytest.mark.parametrize(
    ("name", "targets", "words"),
    [
        ("EuroSatt", "class", "no data set `EuroSatt`\ndid you mean EuroSAT"),
        ("DTD", "mask", "DTD of torchvision has no masks"),
        ("CocoDetection", "class", "cannot be made"),
        ("Cityscapes", "mask", "Cityscapes of torchvision is not in"),
    ],
)
def test_what_is_refused(tmp_path: Path, name: str, targets: str, words: str) -> None:
    write_dtd(tmp_path)
    with pytest.raises(CommandError, match=words):
        read(tmp_path, name, targets)


def test_check_knows_the_names_that_torchvision_has() -> None:
    others = {"VisionDataset", "wrap_dataset_for_transforms_v2"}  # a base class and a function
    assert set(TORCHVISION_SETS) == set(torchvision.datasets.__all__) - others
