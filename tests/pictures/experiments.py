"""Two experiments with pictures of files: classes that only the border tells, and an exported file on many images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

import specgraph
from specgraph.inference.given_images import image_files
from specgraph.inference.predictor import Predictor

BORDER_SHAPES = ((64, 64), (80, 80), (96, 64), (200, 120), (60, 90))
"""Heights and widths of the pictures whose frame tells the class."""
FRAME = 17
"""A frame is one part of so many of the longer side."""


def network(size: int, classes: int, root: Path, resize: Any, **recipe: Any) -> dict[str, Any]:
    """A small network that looks at every place of a picture."""
    conv = {"op": "conv", "kernel_size": 3, "stride": 2, "padding": 1, "bias": False}
    return {
        "specgraph": 1,
        "name": "experiment",
        "inputs": {"image": [3, size, size]},
        "nodes": {
            "conv1": {**conv, "out_channels": 8},
            "bn1": "batch_norm",
            "relu1": "relu",
            "conv2": {**conv, "out_channels": 16},
            "bn2": "batch_norm",
            "relu2": "relu",
            "flatten": "flatten",
            "fc": {"op": "linear", "out_features": classes},
        },
        "recipes": {
            "default": {
                "data": {"name": "folder", "root": str(root), "resize": resize, "validation": 0.1},
                "epochs": 6,
                "batch_size": 32,
                "optimizer": {"adam": {"lr": 0.002}},
                **recipe,
            }
        },
    }


def write_framed(root: Path, shapes: Sequence[tuple[int, int]], counts: tuple[int, int] = (400, 200)) -> None:
    """Noisy pictures, `counts` to train and to test, whose frame is a little brighter in one of two classes."""
    rng = np.random.default_rng(0)
    for part, count in zip(("train", "test"), counts, strict=True):
        for label, name in enumerate(("bright", "dark")):
            (root / part / name).mkdir(parents=True)
            for number in range(count // 2):
                height, width = shapes[number % len(shapes)]
                pixels = rng.normal(rng.uniform(60, 190), 40, (height, width, 3))
                wide = round(max(height, width) / FRAME)
                inner = (slice(wide, -wide), slice(wide, -wide))
                framed = rng.normal(150 - 44 * label, 40, (height, width, 3))
                framed[inner] = pixels[inner]
                picture = Image.fromarray(framed.clip(0, 255).astype(np.uint8))
                picture.save(root / part / name / f"{number:04}.png")


def border_accuracy(folder: Path, shapes: Sequence[tuple[int, int]], resize: Any) -> float:
    """Test accuracy where only the frame tells the class."""
    write_framed(folder / "images", shapes)
    spec = network(64, 2, folder / "images", resize)
    run = specgraph.train(spec, out=folder / "run", device="cpu", report=False, seed=0)
    return float(run.result["test_accuracy"])


def write_waves(root: Path, channels: int, counts: tuple[int, int]) -> None:
    """Four directions of waves under noise, in pictures of any shape, a few of them between two directions."""
    rng = np.random.default_rng(1)
    for part, count in zip(("train", "test"), counts, strict=True):
        for label in range(4):
            (root / part / str(label)).mkdir(parents=True)
            for number in range(count // 4):
                height, width = rng.integers(40, 260, 2)
                y, x = np.mgrid[:height, :width] / max(height, width)
                angle = np.pi * (label + rng.normal(0, 0.1)) / 4
                wave = np.sin(2 * np.pi * (6 * (np.cos(angle) * x + np.sin(angle) * y) + rng.uniform()))
                pixels = 128 + 50 * wave[..., None] + rng.normal(0, 25, (height, width, channels))
                array = pixels.clip(0, 255).astype(np.uint8)
                Image.fromarray(array if channels == 3 else array[..., 0]).save(
                    root / part / str(label) / f"{number:04}.png"
                )


class Agreement(NamedTuple):
    """Of a file that takes raw bytes and training's own evaluation: the share of images of one top class, the largest
    difference of the top class's probability there, and where the top classes differ; and the accuracy."""

    share: float
    largest: float
    largest_elsewhere: float
    accuracy: float


def agreement(folder: Path, resize: Any, channels: int = 3, counts: tuple[int, int] = (600, 1000)) -> Agreement:
    """How an exported file with its preprocessing built in agrees with `eval`."""
    root = folder / f"waves-{channels}"
    if not root.exists():
        write_waves(root, channels, counts)
    spec = network(48, 4, root, resize)
    spec["inputs"] = {"image": [channels, 48, 40]}
    place = folder / "run"
    run = specgraph.train(spec, out=place, device="cpu", report=False, seed=0)
    known = specgraph.evaluate(run, device="cpu")
    assert known.predictions is not None
    metadata = Predictor(run.folder).session.metadata
    preprocessing = Predictor(run.folder).preprocessing
    specgraph.export_onnx(
        run.load_graph(), place / "raw.onnx", run.load_module().state_dict(), preprocess=True, softmax=True,
        preprocessing=preprocessing, metadata={"task": metadata["task"]},
    )  # fmt: skip
    found = list(Predictor(place / "raw.onnx").predict(image_files([root / "test"]), 4))
    tops = np.array([each.classes[0].position for each in found])
    probability = np.array([each.classes[0].probability for each in found])
    same = tops == known.predictions.predicted.numpy()
    difference = np.abs(probability - known.predictions.confidence.numpy())
    return Agreement(
        float(same.mean()),
        float(difference[same].max(initial=0.0)),
        float(difference[~same].max(initial=0.0)),
        float(known.accuracy or 0.0),
    )
