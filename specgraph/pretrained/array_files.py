"""Weights in the formats of other libraries: NumPy's archives, and Keras's HDF5 files, by their names."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from specgraph.errors import CommandError, reason, require
from specgraph.pretrained.members import Member, StateDict, tensor_of

MAX_BYTES = 1 << 33
HDF5_START = b"\x89HDF\r\n\x1a\n"
KERAS_WEIGHTS = "model.weights.h5"
KERAS_PARTS = ("model_weights", "optimizer_weights", "layers", "optimizer")
"""Groups of Keras's files: those of the whole model as older versions write it, then those of the present one."""


def read_npz(place: Path) -> StateDict:
    """The arrays of numbers of an `.npz` archive. Raises `CommandError`."""
    try:
        with np.load(place, allow_pickle=False) as archive:
            return {name: tensor_of(archive[name]) for name in archive.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, KeyError, MemoryError) as error:
        raise CommandError(f"{place} is damaged or no archive of NumPy arrays: {_first(error)}") from None


def is_keras(place: Path, start: bytes) -> bool:
    """Whether it is a file of Keras, by its ending or its first bytes."""
    return place.suffix.lower() in (".keras", ".h5", ".hdf5") or start.startswith(HDF5_START)


def read_keras(place: Path) -> list[Member]:
    """The parts of a Keras file, each with its arrays by name: `/` in names is `.` here. Raises `CommandError`."""
    require("h5py", "keras", "reading Keras's files")
    import h5py

    source: Any = place
    try:
        if zipfile.is_zipfile(place):
            with zipfile.ZipFile(place) as archive:
                if KERAS_WEIGHTS not in archive.namelist():
                    raise CommandError(f"{place} has no {KERAS_WEIGHTS}: it is not a file of Keras 3")
                if archive.getinfo(KERAS_WEIGHTS).file_size > MAX_BYTES:
                    raise CommandError(f"{place} holds more than {MAX_BYTES:,} bytes of weights")
                source = io.BytesIO(archive.read(KERAS_WEIGHTS))
        found: StateDict = {}

        def take(name: str, item: Any) -> None:  # `visititems` follows no links, which may lead to other files
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "biufc":
                if item.size * item.dtype.itemsize > MAX_BYTES or item.external:
                    raise CommandError(f"{place}: `{name}` cannot be read")
                found[name.replace("/", ".").removesuffix(":0")] = tensor_of(np.asarray(item[()]))

        with h5py.File(source, "r") as file:
            file.visititems(take)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, zipfile.BadZipFile, MemoryError) as error:
        raise CommandError(f"{place} is damaged or no file of Keras: {_first(error)}") from None
    parts = [Member(part, _below(found, part)) for part in KERAS_PARTS]
    parts = [part for part in parts if part.state]
    return parts[:1] if parts else [Member("", found)]


def _below(state: StateDict, part: str) -> StateDict:
    dotted = f"{part}."
    return {key.removeprefix(dotted): value for key, value in state.items() if key.startswith(dotted)}


def _first(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return reason(error)
    return (str(error).splitlines() or [type(error).__name__])[0]
