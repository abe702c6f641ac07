"""Data given from Python: which labels, which pixels, and what is known of their normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specgraph.datasets.user import from_user
from specgraph.errors import CommandError
from specgraph.inference.predictor import predict

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3
PIXELS = (np.array([40, 120, 210])[LABELS, None, None, None] + RNG.integers(-20, 20, (60, 8, 8, 3))).astype(np.uint8)
MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.25, 0.5)


class Items(torch.utils.data.Dataset[Any]):
    """Pictures through a transform, as torchvision's data sets have it."""

    def __init__(self, transform: Callable[[Any], Any], target_transform: Callable[[int], int] | None = None) -> None:
        self.transform, self.target_transform = transform, target_transform
        self.targets = LABELS.tolist()
        self.read: list[int] = []

    def __len__(self) -> int:
        return len(PIXELS)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        self.read.append(index)
        label = self.targets[index]
        image = self.transform(Image.fromarray(PIXELS[index]))
        return image, label if self.target_transform is None else self.target_transform(label)


def scaled(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def normalised(image: Image.Image) -> torch.Tensor:
    return (scaled(image) - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def swapped(label: int) -> int:
    return (2, 0, 1)[label]


class Counted(Items):
    """Says nothing of how its items' labels come about."""

    def __init__(self, transform: Callable[[Any], Any]) -> None:
        super().__init__(transform, swapped)

    def __getattribute__(self, name: str) -> Any:
        if name == "target_transform" and not self.read:
            raise AttributeError(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize("transform", [scaled, lambda image: image], ids=["float", "PIL"])
@pytest.mark.parametrize("dataset", [lambda t: Items(t, swapped), Counted], ids=["target_transform", "unsaid"])
def test_labels_are_those_of_the_items(dataset: Any, transform: Any) -> None:
    found = from_user((dataset(transform), dataset(transform)))
    assert found.train.labels.tolist() == [swapped(label) for label in LABELS.tolist()]


def test_targets_spare_reading_all_images() -> None:
    items = Items(scaled)
    assert from_user((items, Items(scaled, swapped))).train.labels.tolist() == LABELS.tolist()
    items.read.clear()
    from specgraph.datasets.user import _samples

    _samples(items, "train", {"": "class"})
    assert items.read == [0]


@pytest.mark.parametrize(
    ("mode", "channels"),
    [("L", 1), ("1", 1), ("I", 1), ("F", 1), ("I;16", 1)]
    + [(mode, 3) for mode in ("P", "LA", "PA", "RGBA", "CMYK", "YCbCr", "HSV", "RGB")],
)  # fmt: skip
def test_modes_of_pil(mode: str, channels: int) -> None:
    def convert(image: Image.Image) -> Image.Image:
        grey = image.convert("L")
        if mode == "I;16":
            return Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
        if mode == "PA":
            return grey.convert("P").convert("PA")
        return image.convert("P", palette=Image.Palette.ADAPTIVE) if mode == "P" else grey.convert("RGB").convert(mode)

    found = from_user((Items(convert), Items(convert)))
    assert found.channels == channels
    assert found.train.resident is not None
    means = [found.train.resident[label == LABELS].float().mean() for label in range(3)]
    assert means[0] < 60 < means[1] < 150 < means[2] or (mode == "1" and means[0] < means[1] < means[2])


def test_grey_among_colour() -> None:
    items = [(Image.fromarray(PIXELS[i]).convert("L" if i % 2 else "RGB"), 0) for i in range(6)]
    assert from_user((items, items)).channels == 3


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.int16, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("last", [True, False])
def test_whole_numbers_are_pixels(kind: Any, last: bool) -> None:
    images = (PIXELS if last else PIXELS.transpose(0, 3, 1, 2)).astype(kind)
    found = from_user(((images, LABELS), (images, LABELS)))
    assert found.train.resident is not None
    assert found.train.resident.dtype == torch.uint8
    assert np.array_equal(found.train.resident.numpy(), PIXELS.transpose(0, 3, 1, 2))
    assert not found.as_given
    assert bool(found.notes) == (np.dtype(kind).kind == "f")


@pytest.mark.parametrize(
    ("shape", "channels"),
    [((8, 16, 16, 4), 4), ((8, 16, 16, 2), 2), ((8, 64, 4, 4), 64), ((8, 256, 1, 1), 256), ((8, 4, 16, 16), 4)],
)
def test_where_the_channels_are(shape: tuple[int, ...], channels: int) -> None:
    images = RNG.integers(0, 256, shape, dtype=np.uint8)
    assert from_user(((images, np.arange(8)), (images, np.arange(8)))).channels == channels


@pytest.mark.parametrize(("value", "words"), [(300, "from 0 to 300"), (-1, "from -1 to 0")])
def test_whole_numbers_that_are_no_pixels(value: int, words: str) -> None:
    images = np.zeros((4, 8, 8), np.int32)
    images[2, 3, 3] = value
    with pytest.raises(CommandError, match=words):
        from_user(((images, np.arange(4)), (images, np.arange(4))))


def torchvisions(name: str, **fields: Any) -> Any:
    """An object that looks like one of torchvision's transforms, and works."""

    def call(self: Any, image: Any) -> Any:
        for step in getattr(self, "transforms", ()):
            image = step(image)
        if name == "ToTensor":
            return scaled(image)
        if name == "Normalize":
            return (image - torch.tensor(self.mean).view(-1, 1, 1)) / torch.tensor(self.std).view(-1, 1, 1)
        return image

    kind = type(name, (), {"__module__": "torchvision.transforms.transforms", "__call__": call})
    made = kind()
    vars(made).update(fields)
    return made


def composed(*steps: Any) -> Any:
    return torchvisions("Compose", transforms=list(steps))


FLIP, TO_TENSOR = torchvisions("RandomHorizontalFlip"), torchvisions("ToTensor")
NORMALIZE = torchvisions("Normalize", mean=MEAN, std=STD)


@pytest.mark.parametrize(
    ("transform", "test_transform", "known"),
    [
        (scaled, scaled, ((0.0,) * 3, (1.0,) * 3)),
        (TO_TENSOR, composed(TO_TENSOR), ((0.0,) * 3, (1.0,) * 3)),
        (composed(FLIP, TO_TENSOR, NORMALIZE), composed(TO_TENSOR, NORMALIZE), (MEAN, STD)),
        (composed(FLIP, TO_TENSOR, NORMALIZE), composed(TO_TENSOR), None),
        (composed(TO_TENSOR, NORMALIZE, NORMALIZE), composed(TO_TENSOR, NORMALIZE, NORMALIZE), None),
        (composed(torchvisions("Lambda"), TO_TENSOR, NORMALIZE), composed(TO_TENSOR, NORMALIZE), (MEAN, STD)),
        (composed(TO_TENSOR, NORMALIZE), composed(TO_TENSOR, torchvisions("Lambda"), NORMALIZE), None),
        (normalised, normalised, None),
        (lambda image: scaled(image) * 255 + 0.25, lambda image: scaled(image) * 255, None),
    ],
)
def test_what_floats_were_normalised_by(transform: Any, test_transform: Any, known: Any) -> None:
    found = from_user((Items(transform), Items(test_transform)))
    assert found.as_given
    assert (found.mean, found.std) == (known or (None, None))
    (note,) = found.notes
    assert ("not known" in note) == (known is None)


def test_torchvisions_transform_that_is_not_all() -> None:
    """What the items hold cannot come of the transform that the data set names."""

    class Scaling(Items):
        def __getitem__(self, index: int) -> tuple[Any, int]:
            image, label = super().__getitem__(index)
            return image * 3, label

    data = Scaling(composed(TO_TENSOR, NORMALIZE))
    assert from_user((data, data)).mean is None


def test_floats_beside_bytes() -> None:
    with pytest.raises(CommandError, match="train images are floats, the test images are not"):
        from_user((Items(scaled), Items(lambda image: image)))


@pytest.fixture
def colour(spec: dict[str, Any]) -> dict[str, Any]:
    """The small network, for three classes of colour."""
    spec["inputs"], spec["vars"] = {"image": [3, 8, 8]}, {"classes": 3}
    spec["recipes"] = {"plain": {"epochs": 8, "batch_size": 10, "optimizer": {"adam": {"lr": 0.01}}}}
    return spec


@pytest.mark.parametrize(
    ("transform", "told"),
    [
        (lambda image: image, {}),
        (scaled, {}),
        (composed(TO_TENSOR, NORMALIZE), {}),
        (normalised, {"mean": MEAN, "std": STD}),
    ],
    ids=["PIL", "scaled", "torchvision", "own"],
)
def test_predict_sees_what_the_network_was_trained_on(
    train_small: Any, colour: dict[str, Any], transform: Any, told: dict[str, Any]
) -> None:
    data = Items(transform)
    run = train_small(spec=colour, recipe="plain", data=(data, data), num_workers=0)
    assert run.result["test_accuracy"] == 1.0
    images = [Image.fromarray(pixels) for pixels in PIXELS]
    if told:
        with pytest.raises(CommandError, match="how is not known\ngive both --mean and --std"):
            predict(run, images)
        with pytest.raises(CommandError, match="how is not known"):
            predict(run, images, mean=MEAN)
    found = predict(run, images, top_k=1, **told)
    assert [prediction.classes[0].position for prediction in found] == LABELS.tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_floats_that_are_not_finite_are_no_image(value: float) -> None:
    """Training would end with a layer named whose input they are."""
    images = RNG.random((4, 1, 8, 8), dtype=np.float32)
    images[2, 0, 3, 3] = value
    with pytest.raises(CommandError, match="a value that is not finite\ngive finite numbers"):
        from_user(((images, np.arange(4)), (images, np.arange(4))))


def test_one_pair_is_told_from_two() -> None:
    with pytest.raises(CommandError, match="two arrays, and not "):
        from_user((PIXELS, LABELS))
    assert len(from_user((PIXELS, PIXELS), "picture").train) == len(PIXELS)
