"""Image folders: layouts, odd modes, broken files."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specgraph.datasets.folder import ResizedCrop, read_folder
from specgraph.datasets.images import BrokenImageError, read_image
from specgraph.datasets.load import load_dataset
from specgraph.errors import CommandError
from specgraph.inference.given_images import image_files

RNG = np.random.default_rng(0)


def picture(size: tuple[int, int] = (20, 30)) -> Image.Image:
    return Image.fromarray(RNG.integers(0, 256, (*size, 3), dtype=np.uint8))


def write_classes(root: Path, classes: tuple[str, ...] = ("cat", "dog"), count: int = 5) -> Path:
    for name in classes:
        (root / name).mkdir(parents=True)
        for index in range(count):
            picture().save(root / name / f"{index}.png")
    return root


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("train", "val"), {"train": 10, "test": 10}),
        (("train", "test"), {"train": 10, "test": 10}),
        (("train", "val", "test"), {"train": 10, "validation": 10, "test": 10}),
        (("train", "validation", "test"), {"train": 10, "validation": 10, "test": 10}),
        ((), {"train": 8, "test": 2}),
        (("train",), {"train": 8, "test": 2}),
    ],
)
def test_layouts(tmp_path: Path, parts: tuple[str, ...], expected: dict[str, int]) -> None:
    for part in parts or (".",):
        write_classes(tmp_path / part)
    dataset = read_folder(tmp_path, (16, 16), 3)
    assert dataset.class_names == ("cat", "dog")
    sizes = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    assert {name: len(part) for name, part in sizes.items() if part is not None} == expected
    assert dataset.train.resident is not None
    assert dataset.train.resident.shape[1:] == (3, 16, 16)


@pytest.mark.parametrize(
    ("links", "cats"),
    [
        ({}, 5),
        ({"cat/loop": "."}, 5),
        ({"cat/up": ".."}, 5),
        ({"cat/above": "../.."}, 5),
        ({"cat/one": "../../more", "cat/two": "../../more"}, 8),
        ({"cat/one": "../../more", "../more/back": "../set/cat"}, 8),
    ],
    ids=str,
)
def test_links_give_no_image_twice(tmp_path: Path, links: dict[str, str], cats: int) -> None:
    root = write_classes(tmp_path / "set")
    write_classes(tmp_path, ("more",), 3)
    for place, target in links.items():
        (root / place).symlink_to(target, target_is_directory=True)
    dataset = read_folder(root, (16, 16), 3)
    labels = torch.cat([part.labels for part in (dataset.train, dataset.test)])
    assert labels.bincount().tolist() == [cats, 5]


def test_by_name_and_by_path(tmp_path: Path) -> None:
    write_classes(tmp_path)
    assert len(load_dataset("folder", tmp_path).train) == len(load_dataset(str(tmp_path)).train) == 8


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "YCbCr", "HSV", "I", "I;16", "F"])
@pytest.mark.parametrize("channels", [1, 3])
def test_odd_modes(tmp_path: Path, mode: str, channels: int) -> None:
    grey = np.linspace(0, 255, 20 * 30).reshape(20, 30)
    if mode == "I;16":
        image = Image.fromarray((grey * 257).astype(np.uint16))
    elif mode == "I":
        image = Image.fromarray((grey * 257).astype(np.int32))
    elif mode == "F":
        image = Image.fromarray((grey / 255).astype(np.float32))
    else:
        image = Image.fromarray(grey.astype(np.uint8)).convert("RGB").convert(mode)
    path = tmp_path / ("x.tiff" if mode in ("CMYK", "YCbCr", "F", "I", "LA") else "x.png")
    if mode == "HSV":
        image = image.convert("RGB")
    image.save(path)
    found = read_image(path, channels, None)
    assert found.dtype == torch.uint8
    assert found.shape == (channels, 20, 30)
    assert int(found[0, -1, -1]) > 200
    assert int(found[0, 0, 0]) < 30


def test_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "x.png")
    assert read_image(tmp_path / "x.png", 3, None).unique().tolist() == [255]


def test_turned_photographs_stand_upright(tmp_path: Path) -> None:
    image = Image.new("RGB", (30, 20))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "x.jpg", exif=exif)
    assert read_image(tmp_path / "x.jpg", 3, None).shape == (3, 30, 20)


def bomb() -> bytes:
    """A PNG header that claims 50,000 x 50,000 pixels."""
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    body = zlib.compress(b"\0" * 100)
    data = struct.pack(">I", len(body)) + b"IDAT" + body + struct.pack(">I", zlib.crc32(b"IDAT" + body))
    return b"\x89PNG\r\n\x1a\n" + chunk + data


BROKEN = {
    "text": b"this is no picture",
    "empty": b"",
    "bomb": bomb(),
    "magic only": b"\x89PNG\r\n\x1a\n",
}


def broken_content(kind: str, tmp_path: Path) -> bytes:
    if kind != "cut short":
        return BROKEN[kind]
    picture((200, 200)).save(tmp_path / "whole.png")
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "whole.png").unlink()
    return content[: len(content) // 2]


@pytest.mark.parametrize("kind", [*BROKEN, "cut short"])
def test_broken_image_is_named(tmp_path: Path, kind: str) -> None:
    content = broken_content(kind, tmp_path)
    write_classes(tmp_path)
    path = tmp_path / "cat" / "2.png"
    path.write_bytes(content)
    with pytest.raises(BrokenImageError, match=r"2\.png"):
        read_image(path, 3, (16, 16))
    with pytest.raises(CommandError, match=r"cat.2\.png.*\nremove the file"):
        read_folder(tmp_path, (16, 16), 3)
    dataset = read_folder(tmp_path, (16, 16), 3, skip_broken=True)
    assert len(dataset.train) + len(dataset.test) == 9
    assert any("2.png" in note for note in dataset.notes)


def test_streamed_equals_resident(tmp_path: Path) -> None:
    write_classes(tmp_path / "train")
    write_classes(tmp_path / "test")
    resident = read_folder(tmp_path, (16, 16), 3)
    streamed = read_folder(tmp_path, (16, 16), 3, resident_bytes=0)
    assert streamed.train.resident is None
    assert resident.train.resident is not None
    for index in range(10):
        assert torch.equal(streamed.train.source.read(index), resident.train.resident[index])
    assert streamed.mean == resident.mean


def test_crops_at_full_resolution_are_a_function_of_the_sample(tmp_path: Path) -> None:
    write_classes(tmp_path / "train")
    write_classes(tmp_path / "test")
    reader = read_folder(tmp_path, (16, 16), 3, resized_crop=ResizedCrop((0.2, 1.0), (0.75, 1.33))).train.source
    again, other_epoch, other_seed = reader.read(3, 0, 1), reader.read(3, 0, 2), reader.read(3, 1, 1)
    assert torch.equal(reader.read(3, 0, 1), again)
    assert not torch.equal(again, other_epoch)
    assert not torch.equal(again, other_seed)
    assert torch.equal(reader.read(3), reader.read(3))


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda root: None, "no class folders"),
        (lambda root: (root / "cat").mkdir(), "holds no images"),
        (lambda root: write_classes(root / "train") and write_classes(root / "test", ("bird",)), "class bird"),
        (lambda root: write_classes(root / "test") and write_classes(root / "val"), "has test/ and val/ but no train/"),
        (lambda root: write_classes(root / "Test"), "has test/ but no train/"),
    ],
)
def test_faults_of_a_folder(tmp_path: Path, prepare: Any, words: str) -> None:
    prepare(tmp_path)
    with pytest.raises(CommandError, match=words):
        read_folder(tmp_path, (16, 16), 3)


def test_a_class_may_be_called_test(tmp_path: Path) -> None:
    assert read_folder(write_classes(tmp_path, ("test", "exam")), (8, 8), 3).class_names == ("exam", "test")


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    write_classes(tmp_path)
    (tmp_path / "cat" / "._0.png").write_bytes(b"\0\5\x16\7")
    for folder in (".train", ".cache", "cat/.ipynb_checkpoints"):
        (tmp_path / folder).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / folder / "x.png")
    dataset = load_dataset(str(tmp_path), size=(8, 8))
    assert (dataset.class_names, dataset.channels) == (("cat", "dog"), 3)
    assert len(dataset.train) + len(dataset.test) == 10
    assert len(list(image_files([tmp_path]))) == 10


@pytest.mark.parametrize(
    ("train", "test", "note"),
    [
        (("cat", "dog", "emu"), ("dog", "emu"), "there are no test images of cat"),
        (("cat", "dog", "emu"), ("emu",), "there are no test images of cat, dog"),
        (("cat", "emu"), ("cat", "dog", "emu"), "there are no training images of dog"),
        (("cat", "emu"), ("cat", "emu"), "there are no images of dog"),
        (("cat", "dog", "emu"), ("cat", "dog", "emu"), None),
    ],
)
def test_classes_without_images_are_named(
    tmp_path: Path, train: tuple[str, ...], test: tuple[str, ...], note: str | None
) -> None:
    write_classes(tmp_path / "train", train)
    write_classes(tmp_path / "test", test)
    (tmp_path / "train" / "dog").mkdir(exist_ok=True)
    assert read_folder(tmp_path, (8, 8), 3).notes == ((note,) if note else ())


def test_many_classes_without_images(tmp_path: Path) -> None:
    write_classes(tmp_path / "train", tuple("abcdefgh"), 1)
    write_classes(tmp_path / "test", ("h",), 1)
    assert read_folder(tmp_path, (8, 8), 3).notes == ("there are no test images of a, b, c, d, e and 2 more",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("place", ["cat/pipe.png", "a/pipe.png"])
def test_pipes_are_not_opened(tmp_path: Path, place: str) -> None:
    write_classes(tmp_path)
    (tmp_path / place).parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / place)
    with pytest.raises(CommandError, match=r"pipe\.png is no ordinary file"):
        load_dataset(str(tmp_path), size=(8, 8))
    dataset = load_dataset(str(tmp_path), size=(8, 8), skip_broken=True)
    assert len(dataset.train) + len(dataset.test) == 10
    assert any("pipe.png is no ordinary file" in note for note in dataset.notes)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no folder"):
        load_dataset("folder", tmp_path / "nowhere")


def test_mode_that_does_not_convert_is_named(tmp_path: Path) -> None:
    Image.new("LAB", (8, 8)).save(tmp_path / "lab.tif")
    with pytest.raises(BrokenImageError, match=r"lab\.tif is an image of mode LAB"):
        read_image(tmp_path / "lab.tif", 1, (4, 4))


def test_single_pixel_gives_no_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    Image.new("RGB", (1, 1), (9, 8, 7)).save(tmp_path / "dot.png")
    assert read_image(tmp_path / "dot.png", 3, None).flatten().tolist() == [9, 8, 7]
    assert not recwarn.list
