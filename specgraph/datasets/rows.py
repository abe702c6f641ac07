"""The data set that the rows of a table are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from specgraph.datasets.catalog import Targets
from specgraph.datasets.column_targets import labels_of, labels_of_outputs
from specgraph.datasets.columns import Columns
from specgraph.datasets.demands import PARTS, several_columns
from specgraph.datasets.folder import FolderReader, read_samples, readable, resized_crop_of
from specgraph.datasets.masks import read_pairs
from specgraph.datasets.packed import Pictures, pack
from specgraph.datasets.samples import Dataset, HeadTargets, Samples, Wanted
from specgraph.datasets.split import held_out_test
from specgraph.datasets.statistics import sample_statistics
from specgraph.datasets.stored import File
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data

USUAL_SIZE = (224, 224)
BROKEN_HELP = "mend or remove the row, or skip such images: broken_images: skip in the recipe's data"


def read_rows(
    columns: Columns,
    data: Data,
    targets: str | Mapping[str, Targets],
    size: tuple[int, int] | None,
    channels: int | None,
) -> Dataset:
    """The images of a table's rows at `size` (height, width; else 224 x 224), with what their columns say: a class,
    several `labels` (a column each with 0 and 1, or one with a list), `numbers`, a `mask`, nothing, or, by the names of
    several outputs, all that these learn.

    Small sets are held in memory, larger ones read while training. Raises `CommandError` for missing columns and
    values that are none.
    """
    return _read(columns, data, targets, size, channels, columns.pictures(columns.image_column(data)))[0]


def read_pictures_of_rows(
    columns: Columns, data: Data, targets: str | Mapping[str, Targets], wanted: Wanted
) -> Dataset:
    """`read_rows` of samples with several pictures: a column for each input and, of pairs, one for the image to be
    made."""
    found = columns.image_columns(data, list(wanted.inputs))
    if wanted.picture is not None:
        chosen = columns.target_columns(data)
        if len(chosen) != 1:
            raise several_columns("picture", len(chosen)).error()
        found[""] = chosen[0]
    files = {name: columns.pictures(column) for name, column in found.items()}
    (first, own), *others = files.items()
    channels, height, width = wanted.of(first)
    dataset, places = _read(columns, data, targets, (height, width), channels, own, [each for _, each in others])
    made = [Pictures(first, dataset)]
    for name, each in others:
        samples = {part: _others(each, rows, data, wanted.of(name), dataset, part) for part, rows in places.items()}
        mean, std = sample_statistics(samples["train"]) if data.normalize == "dataset" else (None, None)
        channels, height, width = wanted.of(name)
        of_name = Dataset(
            dataset.name, samples["train"], samples["test"], (), channels, (height, width), mean, std,
            samples.get("validation"), from_files=True,
        )  # fmt: skip
        made.append(Pictures(name, of_name))
    return pack(made)


def _others(
    files: Sequence[File], rows: Tensor, data: Data, shape: tuple[int, int, int], first: Dataset, part: str
) -> Samples:
    """The pictures of a part beside the first ones, cropped like these."""
    source = first.train.source if part == "train" else None
    crop = getattr(source, "resized_crop", None)
    reader = FolderReader(
        tuple(files[i] for i in rows.tolist()), shape[0], shape[1:], crop, resize=data.resize, broken_help=BROKEN_HELP
    )
    return read_samples(reader, torch.zeros(len(rows), dtype=torch.int64))


def _read(
    columns: Columns,
    data: Data,
    targets: str | Mapping[str, Targets],
    size: tuple[int, int] | None,
    channels: int | None,
    pictures: tuple[File, ...],
    others: Sequence[tuple[File, ...]] = (),
) -> tuple[Dataset, dict[str, Tensor]]:
    """The data set of the images `pictures`, and the rows of its parts. Of rows with an image among `others` that
    cannot be read, none is taken where the recipe skips such."""
    chosen = [] if targets == "picture" or not isinstance(targets, str) else columns.target_columns(data)
    if targets == "mask":
        if len(chosen) != 1:
            raise several_columns("mask", len(chosen)).error()
        masks = columns.pictures(chosen[0])
        places, notes = _places(columns, data, torch.zeros(len(pictures), dtype=torch.int64))
        pairs = {part: [(pictures[i], masks[i]) for i in found.tolist()] for part, found in places.items()}
        known = columns.class_names.get(chosen[0])
        return replace(
            read_pairs(pairs, data, size, channels, name=Path(columns.name).stem, names=known), notes=notes
        ), places
    heads: tuple[HeadTargets, ...] = ()
    names: tuple[str, ...] = ()
    if isinstance(targets, str):
        labels, names = labels_of(columns, chosen, targets, data)
    else:
        labels, heads = labels_of_outputs(columns, targets, data)
    places, notes = _places(columns, data, labels)
    told = list(notes)
    if data.broken_images == "skip":
        for files in (pictures, *others):
            places = {part: found[readable([files[i] for i in found.tolist()], told)] for part, found in places.items()}
    size, channels = size or USUAL_SIZE, channels or 3
    samples = {}
    for part, found in places.items():
        crop = resized_crop_of(data) if part == "train" else None
        files = tuple(pictures[i] for i in found.tolist())
        reader = FolderReader(files, channels, size, crop, resize=data.resize, broken_help=BROKEN_HELP)
        samples[part] = read_samples(reader, labels[found])
    mean, std = sample_statistics(samples["train"]) if data.normalize == "dataset" else (None, None)
    dataset = Dataset(
        Path(columns.name).stem, samples["train"], samples["test"], names, channels, size, mean, std,
        samples.get("validation"), from_files=True, notes=tuple(told), heads=heads,
    )  # fmt: skip
    return dataset, places


def _places(columns: Columns, data: Data, labels: Tensor) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The rows of each part, and what to say of them."""
    places: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for place, written in enumerate(columns.part_words(data)):
        word = written.strip().lower()
        part = PARTS.get(word, word)
        if part not in places:
            raise CommandError(f"{columns.row(place)}: split `{word}` is none of train, validation, test")
        places[part].append(place)
    found = {part: torch.tensor(some, dtype=torch.int64) for part, some in places.items() if some}
    if "train" not in found:
        raise CommandError(f"no row of {columns.name} is for training")
    if "test" in found:
        return found, ()
    train = found["train"]
    kept, held, notes = held_out_test(labels[train], f"{columns.name} has no test rows")
    return found | {"train": train[kept], "test": train[held]}, notes
