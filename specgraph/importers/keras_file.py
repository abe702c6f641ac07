"""Keras's files: the configuration of a model, and its arrays, of a `.keras` archive, an HDF5 file or a JSON text.

The first bytes of a file say what it is. Nothing is written to disk, no pickle and no code of a file runs, and links of
HDF5, which may lead to other files, are not followed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from specgraph.errors import CommandError, line_of, reason, require
from specgraph.importers.flat import Array

if TYPE_CHECKING:
    import h5py

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MOST_TEXT, MOST_METADATA, MOST_WEIGHTS = 2**25, 2**16, 2**33
"""Bytes of a configuration, of the archive's metadata, and of the arrays."""
MOST_RATIO, FREE_INFLATED = 20, 2**24
"""How many times larger than in the archive a member may be, beyond so many bytes. Keras stores without compression."""
HDF5_START, ZIP_START = b"\x89HDF\r\n\x1a\n", b"PK"
DAMAGED = (OSError, ValueError, KeyError, RuntimeError, TypeError, MemoryError, RecursionError, OverflowError)
READS = "h5py", "keras", "reading Keras's HDF5 files"


class _Reading:
    """Turns what the library raises into a `CommandError` that names what was read."""

    def __init__(self, place: Path, label: str) -> None:
        self.place = place
        self.label = label

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DAMAGED):
            raise CommandError(f"{self.place} is damaged: `{self.label}` cannot be read ({line_of(error)})") from None


class Hdf5:
    """Arrays of an HDF5 file by path. `size` is the number of bytes of the file that they come from."""

    def __init__(self, file: h5py.File, place: Path, size: int) -> None:
        self.place = place
        self.size = size
        self._file = file

    def attribute(self, path: tuple[str, ...], name: str) -> Any:
        """An attribute of a group: a text, or a list of texts, which Keras parts over `name0`, `name1`, … where it is
        long. None without one. Raises `CommandError`."""
        with self._reading(name):
            attributes = self._at(path).attrs
            if name in attributes:
                return _plain(attributes[name])
            found: list[Any] = []
            while f"{name}{len(found)}" in attributes:
                found.append(_plain(attributes[f"{name}{len(found)}"]))
            return [text for part in found for text in part] if found else None

    def children(self, path: tuple[str, ...]) -> list[str]:
        """The names in a group; empty if there is no such group. Raises `CommandError`."""
        import h5py

        with self._reading("/".join(path)):
            here = self._at(path, missing=True)
            return list(here) if isinstance(here, h5py.Group) else []

    def shape(self, path: tuple[str, ...]) -> tuple[int, ...]:
        """The sizes of an array. Raises `CommandError` without one."""
        return tuple(self._dataset(path).shape)

    def read(self, path: tuple[str, ...]) -> Array:
        """An array, as float32. Raises `CommandError` for one that is no plain array of numbers."""
        label = "/".join(path)
        dataset = self._dataset(path)
        if dataset.external or dataset.is_virtual:
            raise CommandError(f"{self.place}: `{label}` lies in another file, which is not read")
        with self._reading(label):
            kind = dataset.dtype
            if kind.kind in "fiub":
                return np.asarray(dataset[()]).astype(np.float32)
            if kind.itemsize == 2 and dataset.attrs.get("dtype") == "bfloat16":
                halves = np.asarray(dataset[()]).view(np.uint16).astype(np.uint32)
                return (halves << 16).view(np.float32)
        raise CommandError(f"{self.place}: `{label}` holds no numbers")

    def _dataset(self, path: tuple[str, ...]) -> Any:
        import h5py

        label = "/".join(path)
        with self._reading(label):
            found = self._at(path)
            if isinstance(found, h5py.Dataset) and found.shape is not None:
                return found
        raise CommandError(f"{self.place}: `{label}` is no array")

    def _at(self, path: tuple[str, ...], *, missing: bool = False) -> Any:
        """What lies at a path, each step a member of the file itself; None where nothing is and `missing` allows."""
        import h5py

        here: Any = self._file
        for name in path:
            link = here.get(name, getlink=True) if isinstance(here, h5py.Group) and "/" not in name else None
            if link is None:
                if missing:
                    return None
                raise CommandError(f"{self.place} has no `{'/'.join(path)}`")
            if not isinstance(link, h5py.HardLink):
                raise CommandError(f"{self.place}: `{'/'.join(path)}` is a link to another place, which is not read")
            here = here[name]
        return here

    def _reading(self, label: str) -> _Reading:
        return _Reading(self.place, label)


class KerasFile(NamedTuple):
    """A model as a file has it: its configuration (None in a file of weights alone), the version of Keras that wrote
    it if known, its arrays (None without any), and the group that they lie in."""

    config: dict[str, Any] | None
    version: str
    arrays: Hdf5 | None
    group: tuple[str, ...] = ()


@contextlib.contextmanager
def open_keras(path: str | os.PathLike[str]) -> Iterator[KerasFile]:
    """A `.keras` archive, an HDF5 file or a JSON text, for as long as its arrays are read. Raises `CommandError`."""
    place = Path(path)
    try:
        with place.open("rb") as file:
            start = file.read(len(HDF5_START))
        size = place.stat().st_size
    except OSError as error:
        raise CommandError(f"{place} cannot be read: {reason(error)}") from None
    if start.startswith(ZIP_START):
        config, version, weights = _read_archive(place)
        with _hdf5(io.BytesIO(weights), place, size) if weights is not None else contextlib.nullcontext() as arrays:
            yield KerasFile(config, version, arrays)
        return
    if start == HDF5_START:
        with _hdf5(place, place, size) as arrays:
            yield _whole_model(arrays)
        return
    if size > MOST_TEXT:
        raise CommandError(f"{place} is larger than {MOST_TEXT:,} bytes, which no configuration of Keras is")
    config = parse_config(place.read_bytes(), place)
    yield KerasFile(config, _version(config), None)


def parse_config(data: bytes | str, place: Path) -> dict[str, Any]:
    """The configuration of a model, `model.to_json()`. Raises `CommandError` for text that is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{place} is not a Keras model: {line_of(error)}") from None
    if not isinstance(found, dict) or not isinstance(found.get("class_name"), str) or "config" not in found:
        raise CommandError(
            f"{place} is not a Keras model: it has no `class_name` and `config`",
            "model.to_json() writes such a text, model.save() a file with the weights",
        )
    return found


def _read_archive(place: Path) -> tuple[dict[str, Any], str, bytes | None]:
    """The configuration, the version and the bytes of the arrays of a `.keras` archive."""
    try:
        with zipfile.ZipFile(place) as archive:
            names = archive.namelist()
            if CONFIG not in names:
                raise CommandError(f"{place} is not a Keras model: it has no {CONFIG}")
            config = parse_config(_member(archive, CONFIG, MOST_TEXT, place), place)
            version = _version(
                json.loads(_member(archive, METADATA, MOST_METADATA, place)) if METADATA in names else {}
            )
            if WEIGHTS not in names:
                parted = [name for name in names if name.startswith("model.weights")]
                if parted:
                    raise CommandError(f"{place} has its weights in {parted[0][:60]}, and {WEIGHTS} alone is read")
                return config, version, None
            return config, version, _member(archive, WEIGHTS, MOST_WEIGHTS, place)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, MemoryError) as error:
        raise CommandError(f"{place} is damaged or no file of Keras: {line_of(error)}") from None


def _member(archive: zipfile.ZipFile, name: str, most: int, place: Path) -> bytes:
    """A member of an archive, read in memory. Raises `CommandError` for one that is too large."""
    entry = archive.getinfo(name)
    if entry.file_size > most or entry.file_size > MOST_RATIO * entry.compress_size + FREE_INFLATED:
        raise CommandError(f"{place}: {name} would take {entry.file_size:,} bytes, of {entry.compress_size:,} packed")
    return archive.read(name)


@contextlib.contextmanager
def _hdf5(source: Any, place: Path, size: int) -> Iterator[Hdf5]:
    require(*READS)
    import h5py

    try:
        file = h5py.File(source, "r")
    except (OSError, ValueError, KeyError, RuntimeError, MemoryError) as error:
        raise CommandError(f"{place} is damaged or no file of Keras: {line_of(error)}") from None
    with file:
        yield Hdf5(file, place, size)


def _whole_model(arrays: Hdf5) -> KerasFile:
    """What an HDF5 file holds: a model with its weights, or weights alone, as old and present versions write them."""
    text = arrays.attribute((), "model_config")
    if not isinstance(text, str):
        return KerasFile(None, _text(arrays.attribute((), "keras_version")), arrays)
    config = parse_config(text, arrays.place)
    if "model_weights" not in arrays.children(()):
        return KerasFile(config, _version(config), None)
    version = _text(arrays.attribute((), "keras_version")) or _version(config)
    return KerasFile(config, version, arrays, ("model_weights",))


def _version(found: Any) -> str:
    return _text(found.get("keras_version")) if isinstance(found, dict) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _plain(value: Any) -> Any:
    """An attribute as a text or a list of texts."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.reshape(-1).tolist()] if prod(value.shape) < 2**20 else []
    return value
