"""The idx format of MNIST and Fashion-MNIST, plain or gzipped."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from specgraph.errors import CommandError, reason

UNSIGNED_BYTE = 0x08
GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: Path) -> Tensor:
    """The array in an idx file of unsigned bytes, as uint8.

    Raises `CommandError` where the file is not in that format, is cut short, or does not unpack.
    """
    data = read_bytes(path)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != UNSIGNED_BYTE or not 1 <= data[3] <= 4:
        raise CommandError(
            f"{path} is not an idx file of unsigned bytes (it starts with {data[:4].hex(' ') or 'nothing'})",
            "remove the file, then run the command again",
        )
    rank = data[3]
    header = 4 + 4 * rank
    if len(data) < header:
        raise CommandError(f"{path} is cut short: {len(data)} bytes do not hold its header of {header}")
    sizes = struct.unpack(f">{rank}I", data[4:header])
    wanted = math.prod(sizes)
    if len(data) - header != wanted:
        shape = "x".join(str(size) for size in sizes)
        raise CommandError(
            f"{path} is damaged: its header says {shape} = {wanted} bytes, but {len(data) - header} follow",
            "remove the file, then run the command again",
        )
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=header).reshape(sizes).copy())


def read_bytes(path: Path) -> bytes:
    """A file's content, unpacked where it is gzipped. Raises `CommandError`."""
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == GZIP_MAGIC else data
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CommandError(f"{path} does not unpack: {error}", "remove the file, then run the command again") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {reason(error)}") from None


def pair_images(images: Tensor, labels: Tensor, num_classes: int, where: Path) -> tuple[Tensor, Tensor]:
    """Images as (N, 1, H, W) with int64 labels. Raises `CommandError` where the two do not fit."""
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise CommandError(
            f"the idx files in {where} do not belong together: images of shape {tuple(images.shape)}, "
            f"labels of shape {tuple(labels.shape)}"
        )
    if len(labels) and int(labels.max()) >= num_classes:
        raise CommandError(
            f"the idx files in {where} hold label {int(labels.max())}, but there are {num_classes} classes"
        )
    return images.unsqueeze(1), labels.long()
