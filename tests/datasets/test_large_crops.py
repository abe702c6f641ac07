"""Random crops of large JPEG files: decoded at a smaller scale if that leaves twice the network's size, and the same
picture but for the decoder's own averaging."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from specgraph.datasets import folder, images
from specgraph.datasets.folder import FolderReader, ResizedCrop

SIZE = (32, 24)


def write(path: Path, width: int, height: int, orientation: int = 1) -> Path:
    """A picture with soft shapes, whose pixels tell where they come from."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[images.ORIENTATION] = orientation
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(path, quality=95, exif=exif)
    return path


def read(path: Path, epoch: int, monkeypatch: pytest.MonkeyPatch, *, margin: float) -> tuple[Tensor, tuple[int, int]]:
    """The crop of an epoch, and the size (width, height) at which the file was decoded."""
    sizes: list[tuple[int, int]] = []
    resize_to = images.resize_to

    def watched(image: Image.Image, *rest: object) -> Image.Image:
        sizes.append(image.size)
        return resize_to(image, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(folder, "MARGIN", margin)
        patch.setattr(folder, "resize_to", watched)
        reader = FolderReader((path,), 3, SIZE, ResizedCrop((0.08, 1.0), (0.75, 4 / 3)))
        return reader.read(0, 0, epoch), sizes[0]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("epoch", range(6))
def test_a_large_crop_is_the_picture_of_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, orientation: int, epoch: int
) -> None:
    path = write(tmp_path / "x.jpg", 800, 608, orientation)
    whole, full = read(path, epoch, monkeypatch, margin=1e9)
    found, smaller = read(path, epoch, monkeypatch, margin=folder.MARGIN)
    assert full == ((800, 608) if orientation < images.LYING else (608, 800))
    assert smaller[0] <= full[0] // 2, "every crop of this file has four times the size of the network"
    difference = (whole.float() - found.float()).abs()
    assert difference.mean() < 1.0
    assert difference.max() < 12


def test_a_crop_from_elsewhere_would_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.jpg", 803, 601)
    first, second = (read(path, epoch, monkeypatch, margin=1e9)[0].float() for epoch in (0, 1))
    assert (first - second).abs().mean() > 5


@pytest.mark.parametrize(("name", "size"), [("x.jpg", (64, 48)), ("x.jpg", (803, 601)), ("x.png", (800, 608))])
def test_small_files_odd_sides_and_other_formats_are_decoded_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, size: tuple[int, int]
) -> None:
    path = write(tmp_path / name, *size)
    whole, full = read(path, 0, monkeypatch, margin=1e9)
    found, same = read(path, 0, monkeypatch, margin=folder.MARGIN)
    assert full == same == size
    assert torch.equal(whole, found)
