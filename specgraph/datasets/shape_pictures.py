"""Drawn samples of several pictures: those of a network with several inputs, or a spoilt image with the drawn one.

Each input gets a picture of its own. The class tells whether all show one kind of shape, `same` in about half of the
samples; labels are the kinds of all pictures, numbers the shapes of all and the mean percentage that they cover; masks
are those of the first picture. No input tells the class or the numbers by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from specgraph.datasets.catalog import Targets
from specgraph.datasets.packed import Pictures, pack
from specgraph.datasets.random import derive_seed
from specgraph.datasets.samples import Dataset, HeadTargets, ImageTensor, Wanted, joined_targets, whole
from specgraph.datasets.shape_names import DRAWN_IMAGES, DRAWN_SIDE, LIKENESS, NAMES_OF
from specgraph.datasets.shapes import SEED, TEST_SHARE, draw_images, labels_of_shapes, of_its_own
from specgraph.datasets.statistics import channel_statistics
from specgraph.recipes.feeding import Data, Degrade

MOST_VALUE = 255


def draw_pictures(data: Data, targets: str | Mapping[str, Targets], wanted: Wanted) -> Dataset:
    """`data.images` samples of `data.size` pixels a side, four fifths for training, for each input that is `wanted`, or
    spoilt as `data.degrade` says."""
    size, num_images = data.size or DRAWN_SIDE, data.images or DRAWN_IMAGES
    if wanted.picture is not None:
        return _pairs(size, num_images, data.degrade, wanted)
    drawn: list[tuple[Tensor, Tensor, Tensor]] = []
    each = {"": targets} if isinstance(targets, str) else dict(targets)
    one_kind = "class" in each.values()
    for view, _ in enumerate(wanted.inputs):
        beside = drawn[0][1].amax(1) if drawn else None
        drawn.append(draw_images(size, num_images, one_kind=one_kind, view=view, beside=beside))
    names: tuple[str, ...] = ()
    heads: tuple[HeadTargets, ...] = ()
    if isinstance(targets, str):
        labels, names = _labels(targets, drawn), names_of(targets)
    else:
        known = {name: (kind, _labels(kind, drawn), names_of(kind)) for name, kind in targets.items()}
        labels, heads = joined_targets(known)
    made = []
    for place, (name, (images, _, masks)) in enumerate(zip(wanted.inputs, drawn, strict=True)):
        masked = torch.cat((images, masks.unsqueeze(1)), 1) if "mask" in each.values() and not place else images
        own = _dataset(masked, images, labels)
        made.append(Pictures(name, replace(own, class_names=names, heads=heads)))
    return pack(made)


def names_of(targets: str) -> tuple[str, ...]:
    """The names of classes, labels or numbers of several pictures."""
    return LIKENESS if targets == "class" else NAMES_OF[targets]


def _labels(targets: str, drawn: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    each = [labels_of_shapes(targets, kinds, masks) for _, kinds, masks in drawn]
    if targets == "class":
        return torch.stack([own == each[0] for own in each]).all(0).long()
    if targets == "labels":
        return torch.stack(each).amax(0)
    if targets == "numbers":
        counts, areas = (torch.stack([own[:, column] for own in each]) for column in (0, 1))
        return torch.stack((counts.sum(0), areas.mean(0)), 1)
    return each[0]


def _dataset(stored: Tensor, images: Tensor, labels: Tensor) -> Dataset:
    num_test = round(len(images) * TEST_SHARE)
    mean, std = channel_statistics(images[num_test:])
    everything, order = whole(ImageTensor(stored), labels), torch.arange(len(images))
    train, test = everything.select(order[num_test:]), everything.select(order[:num_test])
    size = (images.shape[2], images.shape[3])
    return Dataset("shapes", of_its_own(train), of_its_own(test), (), images.shape[1], size, mean, std)


def _pairs(size: int, num_images: int, degrade: Degrade | None, wanted: Wanted) -> Dataset:
    assert degrade is not None
    ((name, (_, height, width)),) = wanted.inputs.items()
    images, _, _ = draw_images(size, num_images, one_kind=False)
    zeros = torch.zeros(num_images, dtype=torch.int64)
    spoilt = spoil(images, degrade, (height, width))
    return pack([Pictures(name, _dataset(spoilt, spoilt, zeros)), Pictures("", _dataset(images, images, zeros))])


def spoil(images: Tensor, degrade: Degrade, size: tuple[int, int]) -> Tensor:
    """uint8 images (N, C, H, W), shrunk by bicubic interpolation and brought to `size` (height, width) again, with
    Gaussian noise, the same in every epoch. The factor divides the sides."""
    height, width = images.shape[-2:]
    made = torch.empty(len(images), images.shape[1], *_size_of(degrade, (height, width), size), dtype=torch.uint8)
    noise = torch.Generator().manual_seed(derive_seed(SEED, "noise", height))
    for start in range(0, len(images), 128):
        part = images[start : start + 128].float()
        if degrade.shrink > 1:
            small = (height // degrade.shrink, width // degrade.shrink)
            part = F.interpolate(part, small, mode="bicubic", antialias=True).clamp(0, MOST_VALUE).round()
            if small != made.shape[-2:]:
                part = F.interpolate(part, tuple(made.shape[-2:]), mode="bicubic")
        part = part + degrade.noise * torch.randn(part.shape, generator=noise)
        made[start : start + 128] = part.clamp(0, MOST_VALUE).round().to(torch.uint8)
    return made


def _size_of(degrade: Degrade, drawn: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The size of spoilt images: shrunk, or that of the network's input, to which they are enlarged."""
    if degrade.shrink == 1:
        return drawn
    small = (drawn[0] // degrade.shrink, drawn[1] // degrade.shrink)
    return small if size[0] <= small[0] and size[1] <= small[1] else size
