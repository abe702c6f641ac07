"""A table (CSV, TSV) with a column of image paths and columns of what is learnt."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import torch
from torch import Tensor

from specgraph.datasets.files import data_file
from specgraph.datasets.images import BrokenImageError, read_image
from specgraph.datasets.samples import Dataset, ImageTensor, Samples, whole
from specgraph.datasets.split import stratified_split
from specgraph.datasets.statistics import channel_statistics
from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data

SPLITS = {"train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation"}
TEST_SHARE = 0.2
SPLIT_SEED = 0
SEPARATORS = (";", "|", ",")
ON, OFF = ("1", "true", "yes", "1.0"), ("0", "false", "no", "0.0", "")


def read_table(data: Data, targets: str, size: tuple[int, int] | None, channels: int | None) -> Dataset:
    """The images of a table's rows at `size` (height, width; else 224 x 224), with what their columns say: a class,
    several `labels` (a column each with 0 and 1, or one with a list), or `numbers`.

    Paths are relative to the table. Raises `CommandError` for missing columns and values that are none.
    """
    path = data_file(data, "a table", "file: train.csv")
    rows, columns = _rows(path)
    image_column = (
        next(iter(data.inputs.values()), "image") if isinstance(data.inputs, dict) else data.inputs or "image"
    )
    chosen = _target_columns(data)
    for column in (image_column, *chosen, *([data.split] if data.split else [])):
        if column not in columns:
            close = nearest(column, columns)
            raise CommandError(
                f"{path} has no column `{column}`",
                f"did you mean {close}?" if close else f"it has {', '.join(columns)}",
            )
    labels, names = _labels(rows, chosen, targets, data, path)
    size, channels = size or (224, 224), channels or 3
    images = torch.empty(len(rows), channels, *size, dtype=torch.uint8)
    paths = tuple(path.parent / row[image_column] for row in rows)
    for place, image_path in enumerate(paths):
        try:
            images[place] = read_image(image_path, channels, size, data.resize)
        except BrokenImageError as error:
            raise CommandError(f"row {place + 2} of {path}: {error}") from None
    everything = whole(ImageTensor(images, paths), labels)
    train, validation, test, notes = _split(everything, rows, data, path)
    mean, std = channel_statistics(train.resident if train.resident is not None else images)
    return Dataset("table", train, test, names, channels, size, mean, std, validation, from_files=True, notes=notes)


def _rows(path: Path) -> tuple[list[dict[str, str]], list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
            rows = [{key: value or "" for key, value in row.items() if key is not None} for row in reader]
            columns = list(reader.fieldnames or ())
    except FileNotFoundError:
        raise CommandError(f"there is no table {path}", "data.file is looked for below data.root") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path} cannot be read as a table: {error}") from None
    if not rows:
        raise CommandError(f"{path} has no rows", "the first line names the columns, each other one is an image")
    return rows, columns


def _target_columns(data: Data) -> list[str]:
    wanted = data.targets
    if isinstance(wanted, dict):
        if len(wanted) != 1:
            raise CommandError("data.targets names several outputs", "only the network's first output is learnt")
        wanted = next(iter(wanted.values()))
    if wanted is None:
        raise CommandError("the recipe does not say which column of the table is learnt", "targets: label")
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _labels(
    rows: list[dict[str, str]], columns: list[str], targets: str, data: Data, path: Path
) -> tuple[Tensor, tuple[str, ...]]:
    stated = data.classes if isinstance(data.classes, tuple) else None
    if targets == "numbers":
        return torch.tensor([[_number(row[c], i, c, path) for c in columns] for i, row in enumerate(rows)]), tuple(
            columns
        )
    if targets == "labels" and len(columns) > 1:
        values = [[_is_on(row[column], i, column, path) for column in columns] for i, row in enumerate(rows)]
        return torch.tensor(values, dtype=torch.float32), tuple(columns)
    (column,) = columns[:1]
    if targets == "labels":
        lists = [_list(row[column]) for row in rows]
        names = stated or tuple(sorted({name for names in lists for name in names}))
        _refuse_unknown({name for each in lists for name in each}, names, column, path)
        return torch.tensor([[float(name in each) for name in names] for each in lists]), names
    if len(columns) > 1:
        raise CommandError(
            f"a class is one column, and data.targets names {len(columns)}", "several labels: task: multi_label"
        )
    values_of = {row[column] for row in rows}
    names = stated or tuple(
        sorted(values_of, key=lambda text: (not text.isdigit(), int(text) if text.isdigit() else 0, text))
    )
    _refuse_unknown(values_of, names, column, path)
    return torch.tensor([names.index(row[column]) for row in rows]), names


def _refuse_unknown(found: set[str], names: tuple[str, ...], column: str, path: Path) -> None:
    unknown = sorted(found - set(names))
    if unknown:
        raise CommandError(f"column `{column}` of {path} holds `{unknown[0]}`, which data.classes does not name")


def _number(text: str, place: int, column: str, path: Path) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CommandError(f"row {place + 2} of {path}: column `{column}` holds `{text}`, and not a number")
    return value


def _is_on(text: str, place: int, column: str, path: Path) -> float:
    word = text.strip().lower()
    if word not in (*ON, *OFF):
        raise CommandError(f"row {place + 2} of {path}: column `{column}` holds `{text}`", "labels are 1 or 0")
    return float(word in ON)


def _list(text: str) -> list[str]:
    separator = next((mark for mark in SEPARATORS if mark in text), None)
    parts = text.split(separator) if separator else text.split()
    return [part.strip() for part in parts if part.strip()]


def _split(
    everything: Samples, rows: list[dict[str, str]], data: Data, path: Path
) -> tuple[Samples, Samples | None, Samples, tuple[str, ...]]:
    """(training, validation, test) samples and what to say of them."""
    places: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for place, row in enumerate(rows):
        word = row[data.split].strip().lower() if data.split else "train"
        part = SPLITS.get(word, word)
        if part not in places:
            raise CommandError(f"row {place + 2} of {path}: split `{word}` is none of train, validation, test")
        places[part].append(place)
    train, validation, test = (everything.select(torch.tensor(p, dtype=torch.int64)) for p in places.values())
    notes: tuple[str, ...] = ()
    if not len(train):
        raise CommandError(f"no row of {path} is for training")
    if not len(test):
        by = train.labels if train.labels.ndim == 1 else torch.zeros(len(train), dtype=torch.int64)
        kept, held = stratified_split(by, max(1, round(TEST_SHARE * len(train))), SPLIT_SEED)
        train, test = train.select(kept), train.select(held)
        notes = (f"the table has no test rows: {len(held)} images are held out for it",)
    return train, validation if len(validation) else None, test, notes
