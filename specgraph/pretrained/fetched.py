"""Published weights on this machine, and what their publishers say of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from specgraph.datasets.preprocessing import CLASS_NAMES, PREPROCESSING, Preprocessing
from specgraph.errors import CommandError
from specgraph.recipes.resizing import RESIZE

SHA256 = re.compile(r"[0-9a-f]{64}")
CHUNK = 1 << 20
OFFLINE_HELP = "nothing is fetched: weights must be on this machine already"


class Fetched(NamedTuple):
    """Weights on this machine: the file, what their publisher says of them as metadata, and what a run records."""

    path: Path
    metadata: dict[str, str]
    origin: dict[str, Any]


def origin_of(address: str, path: Path, **more: Any) -> dict[str, Any]:
    """What a run records of its first weights."""
    return {"address": address, "file": str(path), "sha256": checksum(path), **more}


def checksum(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            found.update(part)
    return found.hexdigest()


def metadata_of(
    source: str, preprocessing: Preprocessing | None, names: list[str] | None, **more: str
) -> dict[str, str]:
    """What a publisher says of weights, as the metadata of a file of weights."""
    metadata = {"source": source, **more}
    if preprocessing is not None:
        metadata[PREPROCESSING] = json.dumps(preprocessing.to_plain())
    if names:
        metadata[CLASS_NAMES] = json.dumps(names)
    return metadata


def cropped(
    size: tuple[int, int], share: float, statistics: Mapping[str, Any], interpolation: str, channels: int = 3
) -> Preprocessing:
    """Preprocessing by the centre of a picture, of which `share` of the shorter side is kept."""
    mean, std = (tuple(float(value) for value in statistics[key]) for key in ("mean", "std"))
    known = interpolation if interpolation in ("bilinear", "bicubic", "nearest") else "bilinear"
    crop = RESIZE.check({"crop": {"share": min(1.0, share), "interpolation": known}})
    return Preprocessing(size, channels, mean, std).resized(crop, whole_numbers=True)


def unreachable(what: str, why: str, advice: str) -> CommandError:
    """The error for weights that could not be fetched."""
    return CommandError(f"{what} cannot be fetched: {why}", advice)
