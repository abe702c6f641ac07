"""What an export can add around the network: preprocessing before it, probabilities or class numbers at the end."""

from __future__ import annotations

import numpy as np

from specgraph.backends.onnx.builder import FLOAT, FLOAT16, Builder
from specgraph.backends.onnx.metadata import output_scale
from specgraph.backends.onnx.placing import Placer
from specgraph.datasets.preprocessing import Preprocessing
from specgraph.errors import CommandError

ANTIALIASING_OPSET = 18


def add_preprocessing(builder: Builder, name: str, preprocessing: Preprocessing) -> None:
    """Make input `name` raw images, uint8 (N, height, width, C) of any size: channels first, cropped, resized and
    padded as in training, scaled to [0, 1] and normalised. Raises `CommandError` before opset 18."""
    if builder.opset < ANTIALIASING_OPSET:
        raise CommandError(f"--preprocess needs opset {ANTIALIASING_OPSET}: before it, Resize has no antialiasing")
    resize = preprocessing.resize
    if resize is None:
        value = _stretched(builder, name, preprocessing.size)
    else:
        value = Placer(builder, name, preprocessing.size, resize, whole_numbers=preprocessing.whole_numbers).place()
    mean = np.asarray(preprocessing.mean, np.float32).reshape(-1, 1, 1)
    std = np.asarray(preprocessing.std, np.float32).reshape(-1, 1, 1)
    centre = builder.constant(f"{name}/mean", mean * 255)
    scale = builder.constant(f"{name}/scale", 1 / (255 * std))
    value = builder.raw("Sub", [value, centre], f"{name}/centred")
    value = builder.raw("Mul", [value, scale], f"{name}/normalised")
    if builder.half:
        value = builder.raw("Cast", [value], f"{name}/half", to=FLOAT16)
    builder.rename_input(name, value)


def _stretched(builder: Builder, name: str, size: tuple[int, int]) -> str:
    """The whole image, as files of runs of version 0.1 have it."""
    value = builder.raw("Transpose", [name], f"{name}/channels_first", perm=[0, 3, 1, 2])
    value = builder.raw("Cast", [value], f"{name}/float", to=FLOAT)
    wanted = builder.constant(f"{name}/size", np.asarray(size, np.int64))
    shape = builder.raw("Shape", [value], f"{name}/shape", end=2)
    # Sizes of all axes: onnxruntime moves a Transpose through Resize as if it had no `axes`.
    sizes = builder.raw("Concat", [shape, wanted], f"{name}/sizes", axis=0)
    return builder.raw(
        "Resize",
        [value, "", "", sizes],
        f"{name}/resized",
        mode="linear",
        antialias=1,
        exclude_outside=1,
        coordinate_transformation_mode="half_pixel",
    )


def add_half_input(builder: Builder, name: str) -> None:
    """Keep an input in float32 where the network is in half precision."""
    builder.rename_input(name, builder.raw("Cast", [name], f"{name}/half", to=FLOAT16))


def add_argmax(builder: Builder, value: str, output: str) -> None:
    """Turn scores (N, classes, …) into the number of the highest, int64 (N, …)."""
    builder.raw("ArgMax", [value], output, axis=1, keepdims=0)


def add_probabilities(builder: Builder, name: str, value: str, output: str, kind: str | None) -> None:
    """Turn an output's scores, or log-probabilities, into probabilities; `kind` is that of the task's
    `probabilities`, None for an output that has none."""
    scale = output_scale(builder.graph, name)
    if kind is not None and scale == "log_probabilities":
        builder.raw("Exp", [value], output)
    elif kind is None or scale == "probabilities":
        builder.raw("Identity", [value], output)
    elif kind == "independent":
        builder.raw("Sigmoid", [value], output)
    else:
        builder.raw("Softmax", [value], output, axis=1)
