"""Training on arrays and data sets of Python: labels, odd items, workers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from specgraph.errors import CommandError
from specgraph.training.api import evaluate
from tests.training.conftest import same_weights, weights_of
from tests.training.user_dataset import UserDataset


def test_user_arrays(train_small: Any) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    images = np.zeros((200, 8, 8), np.uint8)
    for position, label in enumerate(labels):
        images[position, 2 * label : 2 * label + 2] = 255
    run = train_small(
        recipe="plain", data=((images[:150], labels[:150]), (images[150:], labels[150:])), epochs=8, batch_size=16
    )
    assert run.result["test_accuracy"] > 0.9
    scores = evaluate(run, data=((images[:150], labels[:150]), (images[150:], labels[150:])), device="cpu")
    assert scores.accuracy == run.result["test_accuracy"]
    with pytest.raises(CommandError, match="give them again"):
        evaluate(run, device="cpu")


@pytest.mark.parametrize("workers", [0, 2])
def test_user_dataset(train_small: Any, workers: int) -> None:
    run = train_small(recipe="plain", data=(UserDataset(100), UserDataset(20)), batch_size=10, num_workers=workers)
    assert run.result["test_accuracy"] == 1.0


class Items(torch.utils.data.Dataset[Any]):
    """A user's data set of given items."""

    def __init__(self, items: list[tuple[Any, Any]]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.items[index]


GREY = np.zeros((8, 8), np.uint8)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ((GREY, -1), "label of train image 3 is -1"),
        ((GREY, 0.5), "label of train image 3 is 0.5"),
        ((GREY, "cat"), "label of train image 3 is cat"),
        ((GREY, np.eye(10)[1]), "label of train image 3 is"),
        ((GREY, None), "label of train image 3 is None"),
        ((GREY[:, :5], 0), "differ in shape"),
        ((GREY.astype(np.int64) - 1, 0), "whole numbers from -1 to -1"),
        ((GREY.astype(np.complex64), 0), "torch.complex64"),
        ((GREY.astype(str), 0), "array of <U"),
        ((GREY.astype(np.float32), 0), "some train images are uint8, others floats"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_odd_items_are_named(train_small: Any, item: tuple[Any, Any], words: str) -> None:
    items = [(GREY, 0), (GREY, 1), (GREY, 2), item, (GREY, 0)]
    with pytest.raises(CommandError, match=words):
        train_small(recipe="plain", data=(Items(items), Items(items[:3])))


def test_labels_that_count_from_one_are_named(train_small: Any) -> None:
    items = [(GREY, 1 + index % 10) for index in range(40)]
    with pytest.raises(CommandError, match=r"go from 1 to 10, and classes count from 0\nsubtract 1 from all labels"):
        train_small(recipe="plain", data=(Items(items), Items(items[:10])))


@pytest.mark.parametrize("workers", [0, 1])
def test_images_of_many_sizes_are_named(train_small: Any, workers: int) -> None:
    """Also where the image is read in another process: no traceback of that one."""
    items = [(torch.zeros(1, 8 + (index == 17), 8), index % 2) for index in range(20)]
    with pytest.raises(CommandError, match=r"^image 17 has shape \(1, 9, 8\), the first one \(1, 8, 8\)\n") as error:
        train_small(recipe="plain", data=(Items(items), Items(items[:9])), num_workers=workers)
    assert "Traceback" not in str(error.value)


def test_images_without_any_contrast(train_small: Any) -> None:
    """A deviation of 0 divides nothing."""
    constant = (np.full((30, 8, 8), 9, np.uint8), np.arange(30) % 3)
    run = train_small(recipe="plain", data=(constant, constant), batch_size=10)
    assert all(math.isfinite(row["val_loss"]) for row in run.metrics)


def test_number_of_workers_changes_nothing(train_small: Any) -> None:
    runs = [
        train_small(recipe="plain", data=(UserDataset(60), UserDataset(20)), batch_size=10, num_workers=n)
        for n in (0, 2)
    ]
    assert same_weights(*(weights_of(run) for run in runs))
