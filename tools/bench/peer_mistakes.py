"""The mistakes that `peers.py` writes in each tool's language."""

from __future__ import annotations

from typing import Any, NamedTuple


class Layer(NamedTuple):
    """A layer: its name, what it is, its arguments as PyTorch calls them, and what it reads."""

    name: str
    kind: str
    arguments: dict[str, Any]
    reads: tuple[str, ...]


class Mistake(NamedTuple):
    """A network with one fault. `believed` is the output that its author believes in (channels, height, width),
    `culprits` are layers that a good message names, `expect` declares a shape at a layer."""

    title: str
    size: tuple[int, int, int]
    layers: list[Layer]
    believed: list[int]
    culprits: tuple[str, ...]
    expect: tuple[str, str] | None = None


def conv(name: str, channels: tuple[int, int], kernel: int, reads: str, **more: Any) -> Layer:
    return Layer(name, "conv", {"in": channels[0], "out": channels[1], "kernel_size": kernel, **more}, (reads,))


def pool(name: str, kernel: int, stride: int, reads: str) -> Layer:
    return Layer(name, "max_pool", {"kernel_size": kernel, "stride": stride}, (reads,))


def linear(name: str, features: tuple[int, int], reads: str, **more: Any) -> Layer:
    return Layer(name, "linear", {"in": features[0], "out": features[1], **more}, (reads,))


def plain(name: str, kind: str, *reads: str) -> Layer:
    return Layer(name, kind, {}, reads)


MISTAKES = [
    Mistake(
        "a table's 27x27x96 for AlexNet's second pooling (13x13x256)",
        (96, 27, 27),
        [conv("conv2", (96, 256), 5, "image", padding=2), pool("pool2", 3, 2, "conv2")],
        [96, 27, 27],
        ("pool2",),
        ("pool2", "27x27x96"),
    ),
    Mistake(
        "a linear layer fed an unflattened 256x6x6 map",
        (256, 6, 6),
        [plain("relu", "relu", "image"), linear("fc6", (9216, 4096), "relu", implied=True)],
        [4096],
        ("fc6", "relu"),
    ),
    Mistake(
        "16 channels added to 32",
        (3, 32, 32),
        [
            conv("conv1", (3, 16), 3, "image", padding=1),
            conv("conv2", (16, 32), 3, "conv1", padding=1),
            plain("add", "add", "conv2", "conv1"),
        ],
        [32, 32, 32],
        ("add", "conv1", "conv2"),
    ),
    Mistake(
        "a classifier of 1048 features where 1408 arrive",
        (88, 4, 4),
        [plain("flatten", "flatten", "image"), linear("fc", (1048, 10), "flatten", stated=True)],
        [10],
        ("fc", "flatten"),
    ),
    Mistake(
        "an Inception branch without padding",
        (10, 12, 12),
        [
            conv("branch1", (10, 16), 1, "image"),
            conv("branch5", (10, 24), 5, "image"),
            plain("concat", "concat", "branch1", "branch5"),
        ],
        [40, 12, 12],
        ("concat", "branch1", "branch5"),
    ),
    Mistake(
        "an 11x11 kernel of stride 4 at 224, where 54.25 windows fit",
        (3, 224, 224),
        [conv("conv1", (3, 96), 11, "image", stride=4), plain("relu", "relu", "conv1")],
        [96, 54, 54],
        ("conv1",),
    ),
    Mistake(
        "8x8 pooling of a 4x4 map",
        (128, 4, 4),
        [plain("relu", "relu", "image"), pool("pool", 8, 8, "relu")],
        [128, 1, 1],
        ("pool", "relu"),
    ),
    Mistake(
        "3 groups for 16 channels",
        (16, 8, 8),
        [conv("conv1", (16, 24), 3, "image", padding=1, groups=3), plain("relu", "relu", "conv1")],
        [24, 8, 8],
        ("conv1",),
    ),
    Mistake(
        "a misspelt argument (`strid`)",
        (3, 32, 32),
        [conv("conv1", (3, 16), 3, "image", padding=1, strid=2), plain("relu", "relu", "conv1")],
        [16, 16, 16],
        ("conv1",),
    ),
    Mistake(
        "a layer that reads one that does not exist",
        (3, 32, 32),
        [conv("conv1", (3, 16), 3, "image", padding=1), plain("relu", "relu", "conv_1")],
        [16, 32, 32],
        ("relu", "conv_1"),
    ),
    Mistake(
        "two branches of a residual sum that halve the map differently",
        (16, 32, 32),
        [
            conv("left", (16, 32), 3, "image", padding=1, stride=2),
            conv("right", (16, 32), 1, "image"),
            plain("add", "add", "left", "right"),
        ],
        [32, 16, 16],
        ("add", "left", "right"),
    ),
    Mistake(
        "two convolutions with nothing between",
        (3, 32, 32),
        [
            conv("conv1", (3, 16), 3, "image", padding=1),
            conv("conv2", (16, 32), 3, "conv1", padding=1),
            plain("relu", "relu", "conv2"),
        ],
        [32, 32, 32],
        ("conv1", "conv2"),
    ),
]
RIGHT = Mistake(
    "nothing wrong",
    (3, 32, 32),
    [
        conv("conv1", (3, 16), 3, "image", padding=1),
        plain("relu1", "relu", "conv1"),
        pool("pool", 2, 2, "relu1"),
        conv("left", (16, 8), 1, "pool"),
        conv("right", (16, 8), 3, "pool", padding=1),
        plain("concat", "concat", "left", "right"),
        plain("relu2", "relu", "concat"),
        plain("flatten", "flatten", "relu2"),
        linear("fc", (4096, 10), "flatten"),
    ],
    [10],
    (),
)
"""Every tool must accept this one: it shows that the translations are right."""
