"""Data given from Python serve every task: a run on them is that on the drawn set of the same images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import specgraph
from specgraph.datasets.catalog import Targets
from specgraph.datasets.samples import Dataset, Samples
from specgraph.datasets.shapes import draw_shapes
from specgraph.datasets.user import from_user
from specgraph.errors import CommandError
from specgraph.training.display import Silent
from tests.helpers import ROOT

SIZE, IMAGES = 64, 40
KINDS: dict[str, tuple[str, Targets | dict[str, Targets]]] = {
    "multi_label": ("labels-small", "labels"),
    "regression": ("count-small", "numbers"),
    "segmentation": ("unet-small", "mask"),
    "image": ("autoencoder-small", "picture"),
    "heads": ("count-and-kind", {"kind": "class", "extent": "numbers"}),
}


def drawn(name: str) -> Dataset:
    return draw_shapes(SIZE, IMAGES, KINDS[name][1])


def arrays(dataset: Dataset, samples: Samples, kind: Any) -> tuple[Any, Any]:
    """Images (N, C, H, W) and what a user says of them."""
    resident = samples.resident
    assert resident is not None
    if kind == "mask":
        return resident[:, :3], resident[:, 3].numpy().astype(np.int64)
    if kind == "picture":
        return resident, ()
    if isinstance(kind, dict):
        return resident, {head.name: head.of(samples).labels.numpy() for head in dataset.heads}
    return resident, samples.labels.numpy()


class Items(torch.utils.data.Dataset[Any]):
    """(image, target) one by one, images as (H, W, C), as data sets of torchvision have it."""

    def __init__(self, images: Tensor, given: Any) -> None:
        self.images, self.given = images, given

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Any:
        image = self.images[index].permute(1, 2, 0).numpy()
        if isinstance(self.given, dict):
            return image, {name: values[index] for name, values in self.given.items()}
        return (image, self.given[index]) if len(self.given) else image


FORMS: dict[str, Callable[[Tensor, Any], Any]] = {"arrays": lambda images, given: (images, given), "items": Items}


def given(name: str, form: str) -> tuple[Any, Any]:
    dataset, kind = drawn(name), KINDS[name][1]
    train, test = (FORMS[form](*arrays(dataset, part, kind)) for part in (dataset.train, dataset.test))
    return train, test


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", KINDS)
def test_what_is_read_is_what_was_given(name: str, form: str) -> None:
    wanted = drawn(name)
    found = from_user(given(name, form), KINDS[name][1])
    for part in ("train", "test"):
        own, other = getattr(found, part), getattr(wanted, part)
        assert torch.equal(own.resident, other.resident)
        assert torch.equal(own.labels, other.labels)
    assert (found.channels, found.size, found.mean, found.std) == (3, (SIZE, SIZE), wanted.mean, wanted.std)
    assert len(found.class_names) == len(wanted.class_names)
    assert [(head.name, head.targets, head.columns) for head in found.heads] == [
        (head.name, head.targets, head.columns) for head in wanted.heads
    ]


@pytest.mark.parametrize("name", KINDS)
def test_a_run_is_that_of_the_same_images_by_name(name: str, tmp_path: Path) -> None:
    spec = specgraph.load(ROOT / "specs" / f"{KINDS[name][0]}.yaml")
    augmented = {"data.augment": [], "data.validation": 0.2, "data.normalize": "dataset"}
    options: Any = {"epochs": 1, "device": "cpu", "report": False, "display": Silent()}
    by_name = specgraph.train(spec, out=tmp_path / "name", settings={"data.images": IMAGES, **augmented}, **options)
    own = specgraph.train(spec, data=given(name, "arrays"), out=tmp_path / "own", settings=augmented, **options)
    one, other = (load_file(run.folder / "last.safetensors") for run in (by_name, own))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    again = specgraph.evaluate(own, data=given(name, "arrays"), device="cpu")
    assert again.metrics == pytest.approx({key: own.result[f"test_{key}"] for key in again.metrics}, rel=1e-5)


IMAGE = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
REFUSED: dict[str, tuple[Any, Any, str]] = {
    "numbers that are none": ("numbers", np.array([1.0, np.nan, 2.0, 3.0]), "row 1 of the train data has nan"),
    "labels that are counts": ("labels", np.array([[0, 1], [2, 0], [0, 0], [1, 1]]), "row 1 of the train data has 2"),
    "numbers of three axes": ("numbers", np.zeros((4, 2, 2)), r"targets of shape \(4, 2, 2\)"),
    "words": ("numbers", ["a", "b", "c", "d"], "give numbers"),
    "rows of other lengths": ("labels", [[0], [0, 1], [1], [1]], "numbers of one shape"),
    "masks of another size": ("mask", np.zeros((4, 8, 7), np.uint8), "images are 8x8, their masks 8x7"),
    "masks of floats": ("mask", np.zeros((4, 8, 8)), "give whole numbers"),
    "masks of large numbers": ("mask", np.full((4, 8, 8), 300), "from 300 to 300|from 0 to 300"),
    "too few": ("numbers", np.zeros(3), r"images of shape \(4, 3, 8, 8\) and labels of shape \(3, 1\)"),
    "an output that is missing": ({"a": "class", "b": "numbers"}, {"a": np.zeros(4, int)}, "nothing of the output `b`"),
    "a class for several outputs": ({"a": "class", "b": "numbers"}, [0, 1, 2, 0], "the recipe trains several outputs"),
}


@pytest.mark.parametrize(("kind", "labels", "said"), REFUSED.values(), ids=list(REFUSED))
def test_targets_that_do_not_fit_are_named(kind: Any, labels: Any, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        from_user(((IMAGE, labels), (IMAGE, labels)), kind)


def test_masks_come_with_pixels() -> None:
    masks = np.zeros((4, 8, 8), np.uint8)
    with pytest.raises(CommandError, match="images are floats"):
        from_user(((IMAGE.float() / 255, masks), (IMAGE.float() / 255, masks)), "mask")


def test_large_sets_with_masks_are_read_image_by_image(monkeypatch: pytest.MonkeyPatch) -> None:
    held = from_user(given("segmentation", "items"), "mask")
    monkeypatch.setattr("specgraph.datasets.user.RESIDENT_BYTES", 10)
    found = from_user(given("segmentation", "items"), "mask")
    assert found.train.resident is None
    assert held.train.resident is not None
    assert all(torch.equal(found.train.source.read(index), held.train.resident[index]) for index in range(5))
    assert (found.class_names, found.channels) == (held.class_names, held.channels)
