"""Samples of several pictures, such as those of a network with two inputs, or an image with the one to make of it.

The numbers of all pictures of a sample lie in one row, so that they are read, shuffled, shared and kept like one image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from specgraph.datasets.samples import Dataset, ImageTensor, Part, Reader, Samples
from specgraph.datasets.stored import File
from specgraph.errors import CommandError

Source = ImageTensor | Reader


@dataclass(frozen=True)
class PackedTensor(ImageTensor):
    """Rows (N, numbers) in memory. `files` are the paths of each picture's files, if it was read from files."""

    files: tuple[tuple[File, ...], ...] = ()


@dataclass(frozen=True)
class PackedReader:
    """Reads the pictures of a sample one after the other, as one row."""

    sources: tuple[Source, ...]

    def __len__(self) -> int:
        return len(self.sources[0])

    def read(self, index: int, seed: int | None = None, epoch: int | None = None) -> Tensor:
        """The row of a sample. Raises `CommandError` for a picture that cannot be read."""
        return torch.cat([source.read(index, seed, epoch).flatten() for source in self.sources])

    @property
    def resized_crop(self) -> object:
        """The crop that is taken while files are read, the same for all pictures of a sample."""
        return getattr(self.sources[0], "resized_crop", None)

    @property
    def files(self) -> tuple[tuple[File, ...], ...]:
        """The paths of each picture's files, if it is read from files."""
        return tuple(getattr(source, "paths", ()) for source in self.sources)


class Pictures(NamedTuple):
    """One picture of each sample: for which input of the network (none for a picture that is learnt), and the data set
    of these pictures alone."""

    name: str
    dataset: Dataset


def unpacked(rows: Tensor, parts: Sequence[Part]) -> list[Tensor]:
    """The pictures (…, C, H, W) of rows (…, numbers); without parts the rows are images already."""
    if not parts:
        return [rows]
    sizes = [prod(part.shape) for part in parts]
    return [
        own.view(*own.shape[:-1], *part.shape) for own, part in zip(torch.split(rows, sizes, -1), parts, strict=True)
    ]


def pack(pictures: Sequence[Pictures]) -> Dataset:
    """One data set of several of the same samples; labels, names and notes are those of the first. Raises
    `CommandError` if they have different numbers of samples, or bytes and floats together."""
    if len({each.dataset.as_given for each in pictures}) > 1:
        raise CommandError(
            "some pictures of a sample are bytes, others floats", "give all of them as uint8, or all as floats"
        )
    first = pictures[0].dataset
    parts = tuple(_part(each) for each in pictures)
    sets = {}
    for split in ("train", "test", "validation"):
        samples = [getattr(each.dataset, split) for each in pictures]
        if samples[0] is not None:
            sets[split] = _packed(samples, [each.name for each in pictures], split)
    notes = dict.fromkeys(note for each in pictures for note in each.dataset.notes)
    return replace(
        first,
        train=sets["train"],
        test=sets["test"],
        validation=sets.get("validation"),
        parts=parts,
        notes=tuple(notes),
    )


def _part(pictures: Pictures) -> Part:
    dataset = pictures.dataset
    stored = dataset.train.source.read(int(dataset.train.indices[0]))
    channels, height, width = stored.shape
    return Part(pictures.name, (channels, height, width), dataset.mean, dataset.std, channels > dataset.channels)


def _packed(samples: Sequence[Samples], names: Sequence[str], split: str) -> Samples:
    lengths = [len(each) for each in samples]
    if len(set(lengths)) > 1:
        told = ", ".join(f"{length} for `{name}`" for length, name in zip(lengths, names, strict=True))
        raise CommandError(f"the {split} data have different numbers of images: {told}")
    residents = [each.resident for each in samples]
    rows = [images.flatten(1) for images in residents if images is not None]
    if len(rows) == len(samples):
        paths = tuple(_paths(each) for each in samples)
        return Samples(PackedTensor(torch.cat(rows, 1), files=paths), torch.arange(lengths[0]), samples[0].labels)
    assert all(torch.equal(each.indices, samples[0].indices) for each in samples)
    return Samples(PackedReader(tuple(each.source for each in samples)), samples[0].indices, samples[0].labels)


def _paths(samples: Samples) -> tuple[File, ...]:
    paths = getattr(samples.source, "paths", ())
    return tuple(paths[index] for index in samples.indices.tolist()) if paths else ()
