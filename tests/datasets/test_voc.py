"""Segmentation data in the layout of PASCAL VOC, and of tools that export it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specgraph.datasets.mask_folder import VOC_CLASSES, read_masks
from specgraph.datasets.masks import MaskReader
from specgraph.datasets.samples import IGNORED, Dataset
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data
from specgraph.recipes.resizing import Pad, Resize, Stretch

LISTS = {"train": ["2007_000032", "2007_000039", "2007_000063"], "val": ["2007_000042", "2007_000061"]}


def palette() -> list[int]:
    """VOC's colours: the bits of a class number, spread over red, green and blue."""
    colours = []
    for number in range(256):
        rgb = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                rgb[channel] |= ((number >> (3 * (bit // 3) + channel)) & 1) << (7 - bit) if bit < 3 else 0
        colours += rgb
    return colours


def write_voc(root: Path, *, colours: bool = False, most: int = 20) -> dict[str, Any]:
    """As VOC has it: palette masks with a border of 255 round each object, and images without a mask."""
    rng = np.random.default_rng(0)
    masks: dict[str, Any] = {}
    for folder in ("JPEGImages", "SegmentationClass", "SegmentationObject", "ImageSets/Segmentation", "Annotations"):
        (root / folder).mkdir(parents=True)
    for names in LISTS.values():
        for name in names:
            Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(root / f"JPEGImages/{name}.jpg")
            numbers = np.zeros((20, 30), np.uint8)
            numbers[4:16, 8:22] = IGNORED
            numbers[5:15, 9:21] = most
            masks[name] = numbers
            mask = Image.fromarray(numbers)
            mask.putpalette(palette())
            if colours:
                mask = Image.fromarray(np.where(numbers[..., None] == most, [250, 50, 83], [0, 0, 0]).astype(np.uint8))
            mask.save(root / f"SegmentationClass/{name}.png")
    Image.new("RGB", (9, 9)).save(root / "JPEGImages/2007_999999.jpg")
    for part, names in LISTS.items():
        (root / f"ImageSets/Segmentation/{part}.txt").write_text("\n".join(names) + "\n")
    (root / "ImageSets/Segmentation/trainval.txt").write_text("\n".join([*LISTS["train"], *LISTS["val"]]))
    (root / "ImageSets/Segmentation/test.txt").write_text("2008_000006\n")
    return masks


def read(root: Path, resize: Resize | None = None, **more: object) -> Dataset:
    return read_masks(root, Data(name="masks", resize=resize or Stretch(), **more), (20, 30), 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", ["", "VOC2012", "VOCdevkit/VOC2012"])
def test_voc(tmp_path: Path, place: str) -> None:
    masks = write_voc(tmp_path / place)
    found = read(tmp_path)
    assert found.class_names == VOC_CLASSES
    assert (len(found.train), len(found.test), found.validation) == (3, 2, None)
    assert "val is the test set" in found.notes[0]
    for samples, part in ((found.train, "train"), (found.test, "val")):
        assert samples.resident is not None
        for mask, name in zip(samples.resident[:, -1], LISTS[part], strict=True):
            assert np.array_equal(mask.numpy(), masks[name])


def test_test_masks_are_used_if_they_are_there(tmp_path: Path) -> None:
    write_voc(tmp_path)
    (tmp_path / "ImageSets/Segmentation/test.txt").write_text("2007_000061\n")
    (tmp_path / "ImageSets/Segmentation/val.txt").write_text("2007_000042\n")
    found = read(tmp_path)
    assert found.validation is not None
    assert [len(found.train), len(found.validation), len(found.test)] == [3, 1, 1]


def test_without_lists_every_image_with_a_mask_is_taken(tmp_path: Path) -> None:
    write_voc(tmp_path)
    for path in (tmp_path / "ImageSets/Segmentation").glob("*.txt"):
        path.unlink()
    found = read(tmp_path)
    assert len(found.train) + len(found.test) == 5


def test_colours_of_cvat(tmp_path: Path) -> None:
    write_voc(tmp_path, colours=True)
    with pytest.raises(CommandError, match="holds colours, and not class numbers"):
        read(tmp_path)
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:0,0,0::\ntable:250,50,83::\n")
    found = read(tmp_path)
    assert found.class_names == ("background", "table")
    assert found.train.source.read(0)[-1].unique().tolist() == [0, 1]
    (tmp_path / "labelmap.txt").write_text("background:0,0\n")
    with pytest.raises(CommandError, match=r"line 1 of .*labelmap\.txt is `background:0,0`"):
        read(tmp_path)


def test_what_is_refused(tmp_path: Path) -> None:
    write_voc(tmp_path, most=21)
    with pytest.raises(CommandError, match=r"2007_0000\d\d\.png holds class 21, and there are 21 classes"):
        read(tmp_path)
    assert read(tmp_path, classes=22).num_classes == 22
    (tmp_path / "SegmentationClass/2007_000039.png").unlink()
    with pytest.raises(CommandError, match=r"train.txt names 2007_000039, which is not in SegmentationClass"):
        read(tmp_path, classes=22)
    (tmp_path / "ImageSets/Segmentation/train.txt").unlink()
    with pytest.raises(CommandError, match=r"no list train\.txt"):
        read(tmp_path, classes=22)


@pytest.mark.parametrize("resize", [Stretch(), Pad()])
def test_what_does_not_fit_in_memory_is_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resize: Resize
) -> None:
    write_voc(tmp_path)
    held = read(tmp_path, resize)
    monkeypatch.setattr("specgraph.datasets.masks.RESIDENT_BYTES", 10)
    lazy = read(tmp_path, resize)
    assert isinstance(lazy.train.source, MaskReader)
    assert held.train.resident is not None
    images = torch.stack([lazy.train.source.read(place) for place in range(3)])
    assert torch.equal(images, held.train.resident)
    assert lazy.mean == held.mean
    (tmp_path / "JPEGImages").rename(tmp_path / "images")
    (tmp_path / "SegmentationClass").rename(tmp_path / "masks")
    (tmp_path / "images/2007_999999.jpg").unlink()
    with pytest.raises(CommandError, match="name the classes"):
        read(tmp_path)
