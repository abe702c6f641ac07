"""CIFAR-10 and CIFAR-100: the binary version, and the Python version without trusting its pickles."""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specgraph.errors import CommandError

PIXELS = 3 * 32 * 32
BINARY_TRAIN = {10: tuple(f"data_batch_{n}.bin" for n in range(1, 6)), 100: ("train.bin",)}
BINARY_TEST = {10: "test_batch.bin", 100: "test.bin"}
PYTHON_TRAIN = {10: tuple(f"data_batch_{n}" for n in range(1, 6)), 100: ("train",)}
PYTHON_TEST = {10: "test_batch", 100: "test"}
Part = tuple[Tensor, Tensor]


def read_cifar(place: Path, num_classes: int) -> tuple[Part, Part]:
    """(train, test), each uint8 images (N, 3, 32, 32) and int64 labels; fine labels for CIFAR-100.

    `place` is an unpacked folder or a tar archive, of the binary or the Python version. Raises
    `CommandError` where a file is missing or damaged.
    """
    content = _read_folder(place) if place.is_dir() else _read_archive(place)
    binary = BINARY_TEST[num_classes] in content
    names = (*BINARY_TRAIN[num_classes], BINARY_TEST[num_classes])
    if not binary:
        names = (*PYTHON_TRAIN[num_classes], PYTHON_TEST[num_classes])
    missing = [name for name in names if name not in content]
    if missing:
        raise CommandError(
            f"{place} is not a whole CIFAR-{num_classes}: {', '.join(missing)} not found",
            "remove it, then run the command again",
        )
    read = _parse_binary if binary else _parse_python
    parts = [read(content[name](), num_classes, place / name) for name in names]
    images = torch.cat([part[0] for part in parts[:-1]])
    labels = torch.cat([part[1] for part in parts[:-1]])
    return (images, labels), parts[-1]


def _read_folder(place: Path) -> dict[str, Callable[[], bytes]]:
    return {path.name: path.read_bytes for path in place.iterdir() if path.is_file()}


def _read_archive(place: Path) -> dict[str, Callable[[], bytes]]:
    wanted = {name for group in (BINARY_TRAIN, PYTHON_TRAIN) for names in group.values() for name in names}
    wanted |= {*BINARY_TEST.values(), *PYTHON_TEST.values()}
    content: dict[str, Callable[[], bytes]] = {}
    try:
        with tarfile.open(place) as archive:  # members are read into memory, never unpacked to disk
            for member in archive:
                name = member.name.rsplit("/", 1)[-1]
                if member.isfile() and name in wanted and member.size < 2**30:
                    stream = archive.extractfile(member)
                    data = stream.read() if stream else b""
                    content[name] = lambda data=data: data  # type: ignore[misc]
    except (tarfile.TarError, EOFError, OSError) as error:
        raise CommandError(f"{place} does not unpack: {error}", "remove it, then run the command again") from None
    return content


def _parse_binary(data: bytes, num_classes: int, where: Path) -> Part:
    label_bytes = 1 if num_classes == 10 else 2  # CIFAR-100: coarse label, fine label
    record = label_bytes + PIXELS
    if not data or len(data) % record:
        raise CommandError(f"{where} is damaged: {len(data)} bytes are not a whole number of {record}-byte records")
    records = torch.from_numpy(np.frombuffer(data, np.uint8).reshape(-1, record).copy())
    labels = records[:, label_bytes - 1].long()
    return _checked(records[:, label_bytes:].reshape(-1, 3, 32, 32).contiguous(), labels, num_classes, where)


def _parse_python(data: bytes, num_classes: int, where: Path) -> Part:
    try:
        batch = _PlainUnpickler(io.BytesIO(data), encoding="bytes").load()
        pixels = np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32)
        labels = torch.tensor(batch[b"labels" if num_classes == 10 else b"fine_labels"], dtype=torch.int64)
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise CommandError(f"{where} is not a CIFAR-{num_classes} batch: {error}") from None
    return _checked(torch.from_numpy(pixels.copy()), labels, num_classes, where)


def _checked(images: Tensor, labels: Tensor, num_classes: int, where: Path) -> Part:
    if len(images) != len(labels) or (len(labels) and int(labels.max()) >= num_classes):
        raise CommandError(f"{where} is damaged: its labels do not fit its images")
    return images, labels


class _PlainUnpickler(pickle.Unpickler):
    """Unpickles plain data and NumPy arrays, nothing that could run code."""

    ALLOWED = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}, which no data set needs")
        if module.startswith("numpy.") and name == "_reconstruct":
            return np.ndarray.__reduce__(np.zeros(1))[0]
        return super().find_class(module, name)
