"""Data sets that a Python user brings: arrays, or any map-style `torch.utils.data.Dataset`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specgraph.datasets.samples import Dataset, ImageTensor, Samples, whole
from specgraph.datasets.statistics import sample_statistics
from specgraph.errors import CommandError

RESIDENT_BYTES = 1 << 30


@dataclass(frozen=True)
class UserReader:
    """Reads the images of a user's data set, as uint8 or float (C, H, W)."""

    dataset: Any
    shape: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.dataset)

    def read(self, index: int, seed: int | None = None, epoch: int | None = None) -> Tensor:
        """One image. Random transforms of the user's own see a seed of (seed, epoch, index)."""
        if seed is not None and epoch is not None:
            import random

            from specgraph.datasets.random import derive_seed

            own = derive_seed(seed, "user", epoch, index)
            torch.default_generator.manual_seed(own)
            random.seed(own)
            np.random.seed(own % 2**32)
        image = image_tensor(self.dataset[index][0])
        if self.shape is not None and tuple(image.shape) != self.shape:
            raise CommandError(
                f"image {index} has shape {tuple(image.shape)}, the first one {self.shape}",
                "bring them to one size in the data set",
            )
        return image


def from_user(data: Any) -> Dataset:
    """A `Dataset` from one, or from (train, test): each a pair (images, labels) of arrays or
    tensors, or a data set whose items are (image, label).

    Images are PIL images, or uint8 (C, H, W), (H, W) or (H, W, C), which are normalised and
    augmented as the recipe says; or float (C, H, W), which are taken as they are. Raises
    `CommandError` for anything else.
    """
    if isinstance(data, Dataset):
        return data
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise CommandError(
            f"data must be a name or (train, test), not {type(data).__name__}",
            "give two data sets whose items are (image, label), or two pairs (images, labels) of arrays",
        )
    train, test = (_samples(part, name) for part, name in zip(data, ("train", "test"), strict=True))
    first = train.source.read(0)
    is_uint8 = first.dtype == torch.uint8
    mean, std = sample_statistics(train) if is_uint8 else (None, None)
    num_classes = int(max(train.labels.max(), test.labels.max())) + 1
    names = getattr(data[0], "classes", None)
    class_names = tuple(map(str, names)) if names is not None and len(names) >= num_classes else None
    return Dataset(
        "data from Python",
        train,
        test,
        class_names or tuple(map(str, range(num_classes))),
        first.shape[0],
        (first.shape[1], first.shape[2]) if train.resident is not None else None,
        mean,
        std,
    )


def image_tensor(image: Any) -> Tensor:
    """A PIL image, array or tensor as uint8 or float32 (C, H, W)."""
    if not isinstance(image, Tensor):
        array = np.asarray(image)
        if array.dtype == np.bool_:
            array = array.astype(np.uint8) * 255
        image = torch.from_numpy(np.array(array))
        if image.ndim == 3 and image.shape[-1] in (1, 3, 4) and image.shape[0] not in (1, 3):
            image = image.permute(2, 0, 1)
    if image.ndim == 2:
        image = image.unsqueeze(0)
    if image.ndim != 3 or not (image.dtype == torch.uint8 or image.is_floating_point()):
        raise CommandError(
            f"an image is a {image.dtype} tensor of shape {tuple(image.shape)}", "give uint8 or float images (C, H, W)"
        )
    kept: Tensor = image if image.dtype == torch.uint8 else image.float()
    return kept.contiguous()


def _samples(part: Any, name: str) -> Samples:
    if isinstance(part, tuple | list) and len(part) == 2 and hasattr(part[0], "shape"):
        return _from_arrays(torch.as_tensor(part[0]), class_numbers(part[1], name), name)
    if not hasattr(part, "__len__") or not hasattr(part, "__getitem__"):
        raise CommandError(
            f"the {name} data cannot be indexed", "give a map-style data set, with __len__ and __getitem__"
        )
    if not len(part):
        raise CommandError(f"the {name} data set is empty")
    first = UserReader(part).read(0)
    targets = getattr(part, "targets", None)
    if first.dtype != torch.uint8 or first.numel() * len(part) > RESIDENT_BYTES:
        labels = [part[index][1] for index in range(len(part))] if targets is None else targets
        return whole(UserReader(part, tuple(first.shape)), class_numbers(labels, name))
    items = [part[index] for index in range(len(part))]
    images = [image_tensor(item[0]) for item in items]
    labels = class_numbers([item[1] for item in items], name)
    if any(image.shape != first.shape for image in images):
        raise CommandError(f"the {name} images differ in shape", "bring them to one size in the data set")
    return whole(ImageTensor(torch.stack(images)), labels)


def _from_arrays(images: Tensor, labels: Tensor, name: str) -> Samples:
    if images.ndim == 3:
        images = images.unsqueeze(1)
    if images.ndim != 4 or labels.ndim != 1 or len(images) != len(labels) or not len(images):
        raise CommandError(
            f"the {name} data have images of shape {tuple(images.shape)} and labels of shape {tuple(labels.shape)}",
            "give images (N, C, H, W) and labels (N,)",
        )
    if images.shape[-1] in (1, 3) and images.shape[1] not in (1, 3):
        images = images.permute(0, 3, 1, 2)
    kept = images.contiguous() if images.dtype == torch.uint8 else images.float().contiguous()
    return whole(ImageTensor(kept), labels)


def class_numbers(labels: Any, name: str) -> Tensor:
    """Labels as int64 class numbers. Raises `CommandError` naming the first that is none."""
    if isinstance(labels, Tensor | np.ndarray) and labels.ndim != 1:
        raise CommandError(
            f"the {name} labels have shape {tuple(labels.shape)}", "give one class number, from 0, for each image"
        )
    numbers = labels.tolist() if isinstance(labels, Tensor | np.ndarray) else list(labels)
    for position, label in enumerate(numbers):
        try:
            number = int(label)
            is_number = number == label and number >= 0
        except (TypeError, ValueError):
            is_number = False
        if not is_number:
            shown = " ".join(str(label).split())[:60]
            raise CommandError(
                f"the label of {name} image {position} is {shown}", "give class numbers, counted from 0, as labels"
            )
        numbers[position] = number
    return torch.tensor(numbers, dtype=torch.int64)
