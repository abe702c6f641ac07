"""Weights in NumPy's archives."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from specgraph.errors import CommandError, line_of
from specgraph.pretrained.members import StateDict, tensor_of


def read_npz(place: Path) -> StateDict:
    """The arrays of numbers of an `.npz` archive. Raises `CommandError`."""
    try:
        with np.load(place, allow_pickle=False) as archive:
            return {name: tensor_of(archive[name]) for name in archive.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, KeyError, MemoryError) as error:
        raise CommandError(f"{place} is damaged or no archive of NumPy arrays: {line_of(error)}") from None
