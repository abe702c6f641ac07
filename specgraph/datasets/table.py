"""Tables in files: CSV, TSV and Parquet, with a column of images (paths or bytes) and columns of what is learnt."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specgraph.datasets.catalog import Targets
from specgraph.datasets.columns import Columns
from specgraph.datasets.demands import PARQUET
from specgraph.datasets.files import data_file
from specgraph.datasets.rows import read_pictures_of_rows, read_rows
from specgraph.datasets.samples import Dataset, Wanted
from specgraph.errors import CommandError, reason, require
from specgraph.recipes.feeding import Data

HUGGING_FACE = b"huggingface"
FIRST_ROW = 2
"""How the first row is counted: the names are in row 1."""
MARKS = {",": "commas", "\t": "tabs", ";": "semicolons"}
"""What may separate cells, and what it is called."""
ABSENT_HELP = "data.file is looked for below data.root"


def read_table(
    data: Data, targets: str | Mapping[str, Targets], size: tuple[int, int] | None, channels: int | None
) -> Dataset:
    """The rows of `data.file` as a data set (see `read_rows`). Paths of images are relative to the table.

    Raises `CommandError`, `MissingPackageError` for Parquet without pyarrow.
    """
    return read_rows(_columns(data), data, targets, size, channels)


def read_pictures_of_table(data: Data, targets: str | Mapping[str, Targets], wanted: Wanted) -> Dataset:
    """`read_table` of samples with several pictures."""
    return read_pictures_of_rows(_columns(data), data, targets, wanted)


def _columns(data: Data) -> Columns:
    path = data_file(data)
    return _parquet(path) if path.suffix.lower() in PARQUET else _text(path)


def _text(path: Path) -> Columns:
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            names, *rows = [row for row in csv.reader(file, delimiter=separator) if row] or [[]]
    except FileNotFoundError:
        raise CommandError(f"there is no table {path}", ABSENT_HELP) from None
    except UnicodeDecodeError:
        raise CommandError(f"{path} cannot be read as a table: it is not UTF-8", "save it as UTF-8") from None
    except (OSError, csv.Error) as error:
        raise CommandError(f"{path} cannot be read as a table: {error}") from None
    _refuse_names(path, names, separator)
    if not rows:
        raise CommandError(f"{path} has no rows", "the first line names the columns, each other one is an image")
    longer = next((place for place, row in enumerate(rows) if len(row) > len(names)), None)
    if longer is not None:
        told = f"row {longer + FIRST_ROW} of {path} has {len(rows[longer])} cells, and there are {len(names)} columns"
        raise CommandError(told, f"put a cell that holds {MARKS[separator]} in double quotes")
    filled = [row + [""] * (len(names) - len(row)) for row in rows]
    values = {name: [row[place] for row in filled] for place, name in enumerate(names)}
    return Columns(str(path), values, path.parent, first_row=FIRST_ROW)


def _refuse_names(path: Path, names: list[str], separator: str) -> None:
    """Raises `CommandError` for a first line that names a column twice, or is cut by another mark."""
    other = next((mark for mark in MARKS if mark != separator and len(names) == 1 and mark in names[0]), None)
    if other is not None:
        ending = ", or call it .tsv" if other == "\t" else ""
        raise CommandError(
            f"the cells of {path} are separated by {MARKS[other]}, and those of {path.suffix} by {MARKS[separator]}",
            f"save it with {MARKS[separator]} between the cells{ending}",
        )
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise CommandError(f"{path} has two columns `{twice}`", "give each column a name of its own")


def _parquet(path: Path) -> Columns:
    require("pyarrow", "data", "reading Parquet files")
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path, partitioning=None)
    except FileNotFoundError:
        raise CommandError(f"there is no table {path}", ABSENT_HELP) from None
    except pyarrow.ArrowException as error:
        raise CommandError(f"{path} cannot be read as Parquet: {error}") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {reason(error)}") from None
    if not table.num_rows:
        raise CommandError(f"{path} has no rows")
    values = {name: table.column(name).to_pylist() for name in table.column_names}
    image, target, class_names = _features((table.schema.metadata or {}).get(HUGGING_FACE))
    return Columns(str(path), values, path.parent, class_names, image, target)


def _features(written: bytes | None) -> tuple[str, str | None, dict[str, tuple[str, ...]]]:
    """Columns of images and of classes, and the names of classes, as Hugging Face writes them into a file's schema."""
    try:
        features = json.loads(written)["info"]["features"] if written else {}
    except (ValueError, KeyError, TypeError):
        features = {}
    return described(features)


def described(features: dict[str, Any]) -> tuple[str, str | None, dict[str, tuple[str, ...]]]:
    """The first column of images, the first of classes, and the class names of each, of features as plain data."""
    kinds = {name: part if isinstance(part, dict) else {} for name, part in features.items()}
    images = [name for name, part in kinds.items() if part.get("_type") == "Image"]
    classes: dict[str, tuple[str, ...]] = {}
    for name, part in kinds.items():
        inner = part.get("feature", part)  # a list of classes has them one level below
        if isinstance(inner, dict) and inner.get("_type") == "ClassLabel":
            classes[name] = tuple(map(str, inner.get("names", ())))
    return images[0] if images else "image", next(iter(classes), None), classes
