"""Labelled images: held in memory as one uint8 tensor, or read one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from specgraph.datasets.catalog import Targets
from specgraph.datasets.stored import File

IGNORED = 255
"""The class number of mask pixels that count nowhere."""


class Reader(Protocol):
    """Images read one at a time, for sets too large for memory.

    `read` gives one image as a (C, H, W) tensor: uint8 as stored, or float32 taken as it is.
    `epoch` and `seed` settle whatever is random about reading it (a crop at full resolution); both
    are None outside training. Instances travel to worker processes, so they can be pickled.
    """

    def __len__(self) -> int: ...

    def read(self, index: int, seed: int | None = None, epoch: int | None = None) -> Tensor: ...


@dataclass(frozen=True)
class ImageTensor:
    """A whole set of images in memory: uint8 (N, C, H, W). `paths` are the files they were read from, if any."""

    images_nchw: Tensor
    paths: tuple[File, ...] = ()

    def __len__(self) -> int:
        return len(self.images_nchw)

    def read(self, index: int, seed: int | None = None, epoch: int | None = None) -> Tensor:
        """One image, uint8 (C, H, W)."""
        return self.images_nchw[index]


@dataclass(frozen=True)
class Samples:
    """Some images of a source, with their labels.

    `indices` selects from `source`; `labels` lie in the same order: class numbers int64 (N,), or float32 (N, K) of
    labels and numbers. Of masks, which are the last channel of the images, and of pictures, they are all 0.
    """

    source: ImageTensor | Reader
    indices: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def resident(self) -> Tensor | None:
        """All images as one uint8 (N, C, H, W) tensor, or None where they are read one at a time."""
        if not isinstance(self.source, ImageTensor):
            return None
        whole = torch.equal(self.indices, torch.arange(len(self.source)))
        return self.source.images_nchw if whole else self.source.images_nchw[self.indices]

    def select(self, positions: Tensor) -> Samples:
        """The samples at some positions."""
        return Samples(self.source, self.indices[positions], self.labels[positions])


def whole(source: ImageTensor | Reader, labels: Tensor) -> Samples:
    """All images of a source."""
    return Samples(source, torch.arange(len(labels)), labels)


class HeadTargets(NamedTuple):
    """What an output learns of a set with targets for several: its name, the kind of target, the names of classes,
    labels or numbers, and its columns of the labels (none for masks and images)."""

    name: str
    targets: Targets
    names: tuple[str, ...]
    columns: slice

    def of(self, samples: Samples) -> Samples:
        """The samples with this output's labels alone."""
        own = samples.labels[:, self.columns]
        if self.targets == "class":
            own = own[:, 0].long()
        return Samples(samples.source, samples.indices, own)


def joined_targets(
    parts: Mapping[str, tuple[Targets, Tensor, tuple[str, ...]]],
) -> tuple[Tensor, tuple[HeadTargets, ...]]:
    """The targets of several outputs, each with its kind and names, as one float32 (N, columns)."""
    columns, heads, start = [], [], 0
    for name, (kind, labels, names) in parts.items():
        own = labels[:, None] if labels.ndim == 1 else labels
        own = own[:, :0] if kind in ("mask", "picture") else own
        heads.append(HeadTargets(name, kind, names, slice(start, start + own.shape[1])))
        columns.append(own.float())
        start += own.shape[1]
    return torch.cat(columns, 1), tuple(heads)


class Part(NamedTuple):
    """One of several pictures of a sample: for which input of the network (none for a picture that is learnt), its
    shape (C, H, W) as it is stored, and the mean and deviation of its channels, of values in 0..1; None if they are
    not known. `masked`: its last channel is a mask."""

    name: str
    shape: tuple[int, int, int]
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    masked: bool = False

    @property
    def channels(self) -> int:
        """Channels without the mask."""
        return self.shape[0] - self.masked


class Wanted(NamedTuple):
    """What the pictures of a sample are brought to, (channels, height, width): those of the inputs by name, and the one
    that is to be made, if the images to learn are pictures of their own."""

    inputs: dict[str, tuple[int, int, int]]
    picture: tuple[int, int, int] | None = None

    def of(self, name: str) -> tuple[int, int, int]:
        """That of an input, or, of an empty name, of the picture to be made."""
        found = self.inputs[name] if name else self.picture
        assert found is not None
        return found


@dataclass(frozen=True)
class Dataset:
    """A data set: training and test images, class names, and what is fed to the network.

    `mean` and `std` are per channel, of values in 0..1, over all pixels of the training images.
    `size` is (height, width), None where images differ. `from_files`: images were files of any size,
    brought to `size` when they were read. `as_given`: images are floats that are fed as they are; `mean` and
    `std` then say what they were normalised by, None where that is not known. `notes` are things the
    user should know. `heads` say what each of several outputs learns. `parts` are the pictures of a sample if it has
    several, whose numbers then lie in one row (see `specgraph.datasets.packed`); the other fields tell of the first.
    """

    name: str
    train: Samples
    test: Samples
    class_names: tuple[str, ...]
    channels: int
    size: tuple[int, int] | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    validation: Samples | None = None
    from_files: bool = False
    notes: tuple[str, ...] = field(default=())
    as_given: bool = False
    heads: tuple[HeadTargets, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)
