"""Pictures of many shapes, and a small network that sees them at a size of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

SHAPES = (
    (64, 64), (80, 80), (96, 64), (200, 120), (60, 90), (1, 1),
    (3, 50), (31, 17), (33, 24), (24, 33), (128, 129), (7, 7),
)  # fmt: skip
"""Heights and widths of twelve pictures."""

MODES: dict[str, Any] = {
    "stretch": "stretch",
    "crop": "crop",
    "crop-share": {"crop": {"share": 0.875}},
    "pad": "pad",
    "pad-fill": {"pad": {"fill": 114}},
    "bicubic": {"stretch": {"interpolation": "bicubic"}},
    "nearest": {"crop": {"share": 0.7, "interpolation": "nearest"}},
    "not-antialiased": {"stretch": {"antialias": False}},
    "bicubic-not-antialiased": {"pad": {"interpolation": "bicubic", "antialias": False}},
}


def write_picture(path: Path, shape: tuple[int, int], channels: int, seed: int) -> None:
    """Soft blobs and noise, so that edges, flat parts and detail all occur."""
    rng = np.random.default_rng(seed)
    height, width = shape
    y, x = np.mgrid[:height, :width] / max(shape)
    waves = [np.sin(2 * np.pi * (rng.uniform(0, 3) * x + rng.uniform(0, 3) * y)) for _ in range(channels)]
    pixels = 128 + 90 * np.stack(waves, -1) + rng.normal(0, 25, (height, width, channels))
    pixels[: height // 5] = 255
    array = pixels.clip(0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array[..., 0] if channels == 1 else array).save(path)


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[[int], Path]:
    """Writes a folder of two classes, in `train` and `test`, with a picture of each shape."""

    def write(channels: int) -> Path:
        root = tmp_path / f"pictures-{channels}"
        for part in ("train", "test"):
            for number, shape in enumerate(SHAPES):
                name = "left" if number % 2 else "right"
                ending = "png" if number % 3 else "jpg"
                write_picture(root / part / name / f"{number:02}.{ending}", shape, channels, number)
        return root

    return write


def small_spec(channels: int, size: tuple[int, int], resize: Any, root: Path) -> dict[str, Any]:
    """A network that sees every pixel."""
    data = {"name": "folder", "root": str(root), "validation": "test"}
    if resize is not None:
        data["resize"] = resize
    return {
        "specgraph": 1,
        "name": "pictures",
        "inputs": {"image": [channels, *size]},
        "nodes": {"flatten": "flatten", "fc": {"op": "linear", "out_features": 2}},
        "recipes": {"default": {"data": data, "epochs": 1, "batch_size": 12, "optimizer": {"sgd": {"lr": 0.01}}}},
    }
