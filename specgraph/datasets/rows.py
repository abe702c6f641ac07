"""The data set that the rows of a table are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from specgraph.datasets.catalog import Targets
from specgraph.datasets.column_targets import labels_of, labels_of_outputs
from specgraph.datasets.columns import Columns
from specgraph.datasets.folder import FolderReader, read_samples, readable, resized_crop_of
from specgraph.datasets.masks import read_pairs
from specgraph.datasets.samples import Dataset, HeadTargets
from specgraph.datasets.split import held_out_test
from specgraph.datasets.statistics import sample_statistics
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data

PARTS = {"train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation"}
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
    image_column = columns.image_column(data)
    chosen = [] if targets == "picture" or not isinstance(targets, str) else columns.target_columns(data)
    pictures = columns.pictures(image_column)
    if targets == "mask":
        if len(chosen) != 1:
            raise CommandError(f"masks are one column, and data.targets names {len(chosen)}")
        masks = columns.pictures(chosen[0])
        places, notes = _places(columns, data, torch.zeros(len(pictures), dtype=torch.int64))
        pairs = {part: [(pictures[i], masks[i]) for i in found.tolist()] for part, found in places.items()}
        known = columns.class_names.get(chosen[0])
        return replace(read_pairs(pairs, data, size, channels, name=columns.name, names=known), notes=notes)
    heads: tuple[HeadTargets, ...] = ()
    names: tuple[str, ...] = ()
    if isinstance(targets, str):
        labels, names = labels_of(columns, chosen, targets, data)
    else:
        labels, heads = labels_of_outputs(columns, targets, data)
    places, notes = _places(columns, data, labels)
    told = list(notes)
    if data.broken_images == "skip":
        places = {part: found[readable([pictures[i] for i in found.tolist()], told)] for part, found in places.items()}
    size, channels = size or USUAL_SIZE, channels or 3
    samples = {}
    for part, found in places.items():
        crop = resized_crop_of(data) if part == "train" else None
        files = tuple(pictures[i] for i in found.tolist())
        reader = FolderReader(files, channels, size, crop, resize=data.resize, broken_help=BROKEN_HELP)
        samples[part] = read_samples(reader, labels[found])
    mean, std = sample_statistics(samples["train"]) if data.normalize == "dataset" else (None, None)
    return Dataset(
        Path(columns.name).stem, samples["train"], samples["test"], names, channels, size, mean, std,
        samples.get("validation"), from_files=True, notes=tuple(told), heads=heads,
    )  # fmt: skip


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
