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
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
            rows = list(reader)
            names = list(reader.fieldnames or ())
    except FileNotFoundError:
        raise CommandError(f"there is no table {path}", ABSENT_HELP) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path} cannot be read as a table: {error}") from None
    if not rows:
        raise CommandError(f"{path} has no rows", "the first line names the columns, each other one is an image")
    values = {name: [row[name] or "" for row in rows] for name in names}
    return Columns(str(path), values, path.parent, first_row=2)


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
