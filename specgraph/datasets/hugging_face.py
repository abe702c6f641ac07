"""Data sets of the Hugging Face library `datasets`: saved to disk, a folder of files, or by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from specgraph.datasets.columns import Columns
from specgraph.datasets.demands import PARTS, missing
from specgraph.datasets.files import locate
from specgraph.datasets.rows import read_pictures_of_rows, read_rows
from specgraph.datasets.samples import Dataset, Wanted
from specgraph.datasets.stored import Item
from specgraph.datasets.table import described
from specgraph.errors import CommandError, require
from specgraph.recipes.feeding import Data

SAVED = ("dataset_dict.json", "dataset_info.json")
KNOWN = (*PARTS, "test")


def read_hugging_face(
    data: Data, targets: str, size: tuple[int, int] | None, channels: int | None, wanted: Wanted | None = None
) -> Dataset:
    """The rows of `data.dataset` as a data set (see `read_rows`): a folder of `save_to_disk`, a folder of files that
    `datasets` reads (Parquet, images by class), or a name, which downloads it. Splits are the data set's own;
    `data.options` are further arguments of `load_dataset`. Images are read from disk while training if all of them do
    not fit in memory.

    Raises `CommandError`, and `MissingPackageError` without the package.
    """
    require("datasets", "data", "reading Hugging Face data sets")
    lack = missing(data)
    if lack is not None:
        raise lack.error()
    assert data.dataset is not None
    splits = _loaded(data, data.dataset)
    known = {name: part for name, part in splits.items() if name in KNOWN}
    if not known and len(splits) == 1:
        known = {"train": next(iter(splits.values()))}
    left_out = [name for name in splits if name not in known and len(splits) > 1]
    if "train" not in {PARTS.get(name, name) for name in known}:
        raise CommandError(
            f"{data.dataset} has no split train; it has {', '.join(splits) or 'none'}", "name a data set that has one"
        )
    columns = _columns(data, data.dataset, known)
    if wanted is None:
        found = read_rows(columns, data, targets, size, channels)
    else:
        found = read_pictures_of_rows(columns, data, targets, wanted)
    notes = (f"splits that are not used: {', '.join(left_out)}",) if left_out else ()
    return replace(found, notes=(*found.notes, *notes))


def _loaded(data: Data, name: str) -> dict[str, Any]:
    """The splits by name."""
    import datasets

    place = locate(data, name)
    try:
        if any((place / file).is_file() for file in SAVED):
            loaded = datasets.load_from_disk(str(place))
        else:
            loaded = datasets.load_dataset(str(place) if place.is_dir() else name, **(data.options or {}))
    except Exception as error:  # the library raises errors of many kinds, those of its own, of HTTP and of Arrow
        told = " ".join(str(error).split())
        raise CommandError(
            f"the data set {name} cannot be loaded: {told}",
            "name a folder of save_to_disk or of Parquet files, or owner/name which is downloaded",
        ) from None
    return dict(loaded) if isinstance(loaded, dict) else {"train": loaded}


def _columns(data: Data, name: str, splits: dict[str, Any]) -> Columns:
    import datasets

    first = next(iter(splits.values()))
    image, target, class_names = described(first.features.to_dict())
    pictures = [column for column, kind in first.features.items() if isinstance(kind, datasets.Image)]
    values: dict[str, list[Any]] = {column: [] for column in first.column_names}
    words: list[str] = []
    for part, rows in splits.items():
        if list(rows.column_names) != list(first.column_names):
            raise CommandError(f"the splits of {name} have different columns")
        words += [part] * len(rows)
        rows = rows.with_format(None)
        for column in first.column_names:
            alone = rows.select_columns([column])
            if column in pictures:
                kept = alone.cast_column(column, datasets.Image(decode=False))
                values[column] += [Item(f"{name} ({part})", kept, place, column) for place in range(len(rows))]
            elif _is_wanted(data, column, target):
                values[column] += alone[:][column]
            else:
                values[column] += [None] * len(rows)
    return Columns(name, values, Path(), class_names, image, target, None if data.split else words)


def _is_wanted(data: Data, column: str, target: str | None) -> bool:
    """Whether a recipe may ask for the values of a column: others are not read."""
    wanted = next(iter(data.targets.values())) if isinstance(data.targets, dict) else data.targets or target
    return column == data.split or column == wanted or (isinstance(wanted, tuple | list) and column in wanted)
