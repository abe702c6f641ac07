"""Image folders: `train/<class>/*.png` with `val/` or `test/` beside it, or class folders alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from specgraph.datasets.folder_facts import SUFFIXES, is_visible
from specgraph.datasets.images import (
    BrokenImageError,
    ImageRegion,
    open_converted,
    open_image,
    read_image,
    resize_to,
    to_tensor,
)
from specgraph.datasets.random import crop_box, uniforms
from specgraph.datasets.samples import Dataset, ImageTensor, Samples, whole
from specgraph.datasets.split import held_out_test
from specgraph.datasets.statistics import sample_statistics
from specgraph.datasets.stored import File
from specgraph.errors import CommandError
from specgraph.recipes.augmentation import RandomResizedCrop
from specgraph.recipes.feeding import Data
from specgraph.recipes.resizing import DEFAULT, Resize, Stretch

RESIDENT_BYTES = 1 << 30
MAX_NAMED = 5
WORDS = {"": "", "train": "training ", "validation": "validation ", "test": "test "}
VALIDATION_NAMES = ("val", "valid", "validation")
BROKEN_HELP = "remove the file"


@dataclass(frozen=True)
class ResizedCrop:
    """A crop of random area and aspect, taken from the file at full resolution."""

    scale: tuple[float, float]
    ratio: tuple[float, float]


def resized_crop_of(data: Data) -> ResizedCrop | None:
    """The crop that a recipe takes from the files."""
    crop = next((entry for entry in data.augment if isinstance(entry, RandomResizedCrop)), None)
    return None if crop is None else ResizedCrop(crop.scale, crop.ratio)


@dataclass(frozen=True)
class FolderReader:
    """Reads images one at a time, brought to `size` (height, width) as `resize` says (see `read_image`).

    `skip_broken` puts the next readable image in the place of one that cannot be read; `broken_help` is
    what the user is advised where it is off.
    """

    paths: tuple[File, ...]
    channels: int
    size: tuple[int, int]
    resized_crop: ResizedCrop | None = None
    skip_broken: bool = False
    broken_help: str = BROKEN_HELP
    resize: Resize | None = field(default_factory=Stretch)
    reported: set[int] = field(default_factory=set, compare=False)

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int, seed: int | None = None, epoch: int | None = None) -> Tensor:
        """One image, uint8 (C, H, W). Raises `CommandError` naming a broken file."""
        for offset in range(len(self.paths)):
            position = (index + offset) % len(self.paths)
            try:
                return self._read(position, index, seed, epoch)
            except BrokenImageError as error:
                if not self.skip_broken:
                    raise CommandError(str(error), self.broken_help) from None
                if position not in self.reported:
                    self.reported.add(position)
                    print(f"skipped: {error}", file=sys.stderr)
        raise CommandError("none of the images can be read")

    def _read(self, position: int, index: int, seed: int | None, epoch: int | None) -> Tensor:
        if self.resized_crop is None or seed is None or epoch is None:
            return read_image(self.paths[position], self.channels, self.size, self.resize)
        image = open_converted(self.paths[position], self.channels)
        draws = uniforms(seed, epoch, torch.tensor([index]), 4, stream=64)[:, 0]
        width, height = image.size
        top, left, crop_height, crop_width = crop_box(
            draws, height, width, self.resized_crop.scale, self.resized_crop.ratio
        )
        return to_tensor(resize_to(image, self.size, ImageRegion(left, top, left + crop_width, top + crop_height)))


def read_folder(
    root: Path,
    size: tuple[int, int],
    channels: int,
    *,
    resize: Resize | None = DEFAULT,
    resized_crop: ResizedCrop | None = None,
    skip_broken: bool = False,
    broken_help: str = BROKEN_HELP,
    resident_bytes: int = RESIDENT_BYTES,
    statistics: bool = True,
) -> Dataset:
    """The data set in a folder, images brought to `size` (height, width), as `resize` says, and `channels`.

    With `train/` and `test/`, `val/` is the validation set; with `train/` and `val/` alone, `val/`
    is the test set; class folders alone are split, one fifth for testing. Small sets are decoded
    once and held in memory; larger ones, or any with `resized_crop`, are read while training. Hidden
    files and folders are passed over. Without `statistics` the set has no mean and deviation. Raises
    `CommandError`.
    """
    if not root.is_dir():
        raise CommandError(
            f"there is no folder {root}", "give a folder with one folder of images per class, or --data digits"
        )
    parts = {entry.name.lower(): entry for entry in root.iterdir() if is_visible(entry.name) and entry.is_dir()}
    train_root = parts.get("train")
    validation_root = next((parts[name] for name in VALIDATION_NAMES if name in parts), None)
    test_root = parts.get("test")
    if parts and not parts.keys() - {"test", *VALIDATION_NAMES}:
        raise CommandError(
            f"{root} has {' and '.join(f'{name}/' for name in sorted(parts))} but no train/",
            "put the training images, one folder per class, into train/ beside it",
        )
    if train_root is not None and test_root is None:
        test_root, validation_root = validation_root, None
    class_names = _class_names(train_root or root)
    notes: list[str] = []
    roots = {"train": train_root or root}
    if train_root is not None and test_root is not None:
        roots["test"] = test_root
        if validation_root is not None:
            roots["validation"] = validation_root
    files = {name: _image_files(place, class_names) for name, place in roots.items()}
    if skip_broken:
        files = {name: _readable(found, notes) for name, found in files.items()}
    samples = {}
    for name, (paths, labels) in files.items():
        crop = resized_crop if name == "train" else None
        reader = FolderReader(paths, channels, size, crop, skip_broken, broken_help, resize)
        samples[name] = read_samples(reader, labels, resident_bytes)
    if "test" not in samples:
        kept, held, _ = held_out_test(samples["train"].labels, f"{root} has no test set of its own")
        held_out = samples["train"].select(held)
        if isinstance(held_out.source, FolderReader):
            reader = replace(held_out.source, resized_crop=None)
            held_out = Samples(reader, held_out.indices, held_out.labels)
        samples |= {"test": held_out, "train": samples["train"].select(kept)}
        notes.append(
            f"{root} has no test set of its own: one fifth of its images ({len(held)}) is held out for testing"
        )
    notes += _absent(samples, class_names)
    mean, std = sample_statistics(samples["train"]) if statistics else (None, None)
    return Dataset(
        str(root),
        samples["train"],
        samples["test"],
        class_names,
        channels,
        size,
        mean,
        std,
        samples.get("validation"),
        from_files=True,
        notes=tuple(notes),
    )


def _absent(samples: dict[str, Samples], class_names: tuple[str, ...]) -> list[str]:
    """Which classes have no images, in the whole set or in a part of it."""
    everything = set(range(len(class_names)))
    none = {part: everything - set(some.labels.tolist()) for part, some in samples.items()}
    nowhere = set.intersection(*none.values())
    told = []
    for part, labels in {"": nowhere, **{part: labels - nowhere for part, labels in none.items()}}.items():
        if labels:
            names = [class_names[label] for label in sorted(labels)]
            shown = ", ".join(names[:MAX_NAMED]) + (f" and {len(names) - MAX_NAMED} more" if names[MAX_NAMED:] else "")
            told.append(f"there are no {WORDS[part]}images of {shown}")
    return told


def _class_names(root: Path) -> tuple[str, ...]:
    names = sorted(entry.name for entry in root.iterdir() if is_visible(entry.name) and entry.is_dir())
    if not names:
        raise CommandError(
            f"{root} has no class folders", "put the images of each class into a folder of the class's name below it"
        )
    return tuple(names)


def _image_files(root: Path, class_names: tuple[str, ...]) -> tuple[tuple[Path, ...], Tensor]:
    """Paths of all images in order of class and name, with their labels."""
    unknown = sorted(set(_class_names(root)) - set(class_names))
    if unknown:
        raise CommandError(f"{root} has class {unknown[0]}, which the training set has not")
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(class_names):
        found = sorted(_files_below(root / name))
        paths += found
        labels += [label] * len(found)
    if not paths:
        raise CommandError(f"{root} holds no images", f"known endings: {' '.join(sorted(SUFFIXES))}")
    return tuple(paths), torch.tensor(labels)


def _files_below(folder: Path) -> Iterator[Path]:
    """The image files below a folder, links followed, each folder once: no link back to a folder that
    was seen, or that this one lies in, gives an image twice."""
    if not folder.is_dir():
        return
    seen = {_identity(place) for place in (folder, folder.parent, *folder.resolve().parents)}
    for place, folders, names in os.walk(folder, followlinks=True):
        fresh = []
        for name in sorted(filter(is_visible, folders)):
            identity = _identity(os.path.join(place, name))
            if identity not in seen:
                seen.add(identity)
                fresh.append(name)
        folders[:] = fresh
        yield from (Path(place) / name for name in filter(is_visible, names) if Path(name).suffix.lower() in SUFFIXES)


def _identity(place: str | Path) -> tuple[int, int]:
    found = os.stat(place)
    return found.st_dev, found.st_ino


def _readable(found: tuple[tuple[Path, ...], Tensor], notes: list[str]) -> tuple[tuple[Path, ...], Tensor]:
    paths, labels = found
    kept = readable(paths, notes)
    return tuple(paths[position] for position in kept.tolist()), labels[kept]


def readable(files: Sequence[File], notes: list[str]) -> Tensor:
    """Positions of the files that decode; those that do not are named in `notes`. Raises `CommandError` if none
    does."""
    with ThreadPoolExecutor() as pool:
        faults = list(pool.map(_fault, files))
    broken = [fault for fault in faults if fault]
    if broken:
        shown = "; ".join(broken[:3]) + (f"; and {len(broken) - 3} more" if len(broken) > 3 else "")
        notes.append(f"{len(broken)} broken {'image' if len(broken) == 1 else 'images'} skipped: {shown}")
    kept = [position for position, fault in enumerate(faults) if not fault]
    if not kept:
        raise CommandError(f"none of the {len(files)} images can be read", broken[0])
    return torch.tensor(kept)


def _fault(path: File) -> str | None:
    try:
        open_image(path, (64, 64))
    except BrokenImageError as error:
        return str(error)
    return None


def read_samples(reader: FolderReader, labels: Tensor, resident_bytes: int | None = None) -> Samples:
    """The images of a reader with their labels, held in memory if they are at most `resident_bytes` (1 GiB)."""
    most = RESIDENT_BYTES if resident_bytes is None else resident_bytes
    num_bytes = len(reader) * reader.channels * reader.size[0] * reader.size[1]
    if reader.resized_crop is not None or num_bytes > most:
        return whole(reader, labels)
    with ThreadPoolExecutor() as pool:
        images = list(pool.map(reader.read, range(len(reader))))
    return whole(ImageTensor(torch.stack(images), reader.paths), labels)
