"""Masks lie where their images lie, and predictions go back to the image's own pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specgraph.datasets.mask_folder import read_masks
from specgraph.datasets.preprocessing import Preprocessing
from specgraph.datasets.samples import IGNORED
from specgraph.inference.preprocess import shown_box
from specgraph.recipes.feeding import DATA
from specgraph.recipes.resizing import RESIZE
from specgraph.training.fitting import fit_batch, fit_masks
from tests.pictures.conftest import MODES

SIZE = (24, 32)
ALIGNED = [mode for mode in MODES if mode != "bicubic-not-antialiased"]


def halves(shape: tuple[int, int]) -> np.ndarray:
    """A mask of two classes, left and right, with a band below that counts nowhere."""
    numbers = np.zeros(shape, np.uint8)
    numbers[:, shape[1] // 2 :] = 1
    numbers[-(shape[0] // 8) :] = 77
    return numbers


@pytest.mark.parametrize("mode", ALIGNED)
@pytest.mark.parametrize("shape", [(48, 64), (80, 30), (20, 61)])
def test_masks_of_files(mode: str, shape: tuple[int, int], tmp_path: Path) -> None:
    """Pictures that are bright where the class is 1 are so after resizing; a pad is ignored, and so is its class."""
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    numbers = halves(shape)
    for name in "abcdef":
        Image.fromarray(np.where(numbers == 1, 250, 60).astype(np.uint8)).save(tmp_path / f"images/{name}.png")
        Image.fromarray(numbers).save(tmp_path / f"masks/{name}.png")
    data = DATA.check({"name": "masks", "resize": MODES[mode], "ignore_index": 77, "classes": ["a", "b"]})
    source = read_masks(tmp_path, data, SIZE, 1).train.source
    picture, mask = source.read(0).numpy().astype(int)
    seen = mask != IGNORED
    assert seen.mean() > 0.2
    assert (np.abs(picture - np.where(mask == 1, 250, 60))[seen] > 100).mean() < 0.02
    if mode == "stretch":
        assert 0.05 < 1 - seen.mean() < 0.2
    if mode.startswith("pad") and shape == (80, 30):
        assert (mask[:, 0] == IGNORED).all()


@pytest.mark.parametrize("mode", ALIGNED)
def test_masks_in_memory(mode: str) -> None:
    numbers = torch.from_numpy(halves((40, 44)))[None, None]
    how = RESIZE.check(MODES[mode])
    mask = fit_masks(numbers, SIZE, how)[0, 0]
    picture = fit_batch((numbers == 1).float() * 250, SIZE, how)[0, 0]
    seen = mask < 2
    assert mask.shape == picture.shape == SIZE
    assert ((picture > 125) != (mask == 1))[seen].float().mean() < 0.03


@pytest.mark.parametrize(
    ("mode", "shape", "box"),
    [
        ("stretch", (48, 10), (0, 0, 10, 48)),
        ("crop", (48, 80), (8, 0, 72, 48)),
        ("crop-share", (48, 64), (4, 3, 60, 45)),
        ("pad", (48, 32), (-16, 0, 48, 48)),
        ("pad-fill", (12, 64), (0, -18, 64, 30)),
    ],
)
def test_what_the_input_shows(mode: str, shape: tuple[int, int], box: Any) -> None:
    """In the image's pixels; of a padded image it is larger than the image."""
    known = Preprocessing(SIZE, 1, (0.0,), (1.0,)).resized(RESIZE.check(MODES[mode]), whole_numbers=True)
    assert tuple(shown_box(Image.new("L", (shape[1], shape[0])), known)) == pytest.approx(box)
