"""Borders count, and exported files decide as training does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pictures.experiments import BORDER_SHAPES, agreement, border_accuracy

NAMES = ["x".join(map(str, shape)) for shape in BORDER_SHAPES]


@pytest.mark.campaign
@pytest.mark.parametrize("shapes", [*[(shape,) for shape in BORDER_SHAPES], BORDER_SHAPES], ids=[*NAMES, "all"])
def test_the_border_tells_the_class(shapes: Any, tmp_path: Path) -> None:
    assert border_accuracy(tmp_path, shapes, "stretch") >= 0.99


def test_a_crop_loses_the_border(tmp_path: Path) -> None:
    """What every network of 64 pixels and more once did to its pictures."""
    assert border_accuracy(tmp_path, [(64, 64)], {"crop": {"share": 0.875}}) < 0.7


def test_the_border_of_the_first(tmp_path: Path) -> None:
    assert border_accuracy(tmp_path, [BORDER_SHAPES[0]], "stretch") >= 0.99


@pytest.mark.campaign
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("resize", ["stretch", {"crop": {"share": 0.875}}, {"pad": {"fill": 114}}], ids=str)
def test_a_thousand_images(resize: Any, channels: int, tmp_path: Path) -> None:
    found = agreement(tmp_path, resize, channels)
    assert found.share >= 0.999
    assert found.largest_elsewhere <= 1e-3


def test_some_images(tmp_path: Path) -> None:
    found = agreement(tmp_path, {"crop": {"share": 0.875}}, counts=(160, 80))
    assert found.share == 1
    assert found.largest < 1e-2
