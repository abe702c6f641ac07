"""The data set that is always there: 1,797 handwritten digits of 8×8 pixels, carried by scikit-learn."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from specgraph.datasets.split import stratified_split
from specgraph.errors import MissingPackageError

NUM_TEST = 360
SPLIT_SEED = 0
LEVELS = 16


def read_digits() -> tuple[Tensor, Tensor]:
    """Images, uint8 (1797, 1, 8, 8) with the 17 grey levels spread over 0..255, and int64 labels.

    Reads the file inside scikit-learn; importing scikit-learn itself would take a second. Raises
    `MissingPackageError` where it is not installed.
    """
    found = find_spec("sklearn")
    if found is None or found.origin is None:
        raise MissingPackageError("scikit-learn", "train", "the data set digits")
    path = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz"
    if path.exists():
        with gzip.open(path, "rt") as lines:
            table = np.loadtxt(lines, delimiter=",", dtype=np.int64)
        pixels, labels = table[:, :64], table[:, 64]
    else:
        from sklearn.datasets import load_digits

        bunch = load_digits()
        pixels, labels = np.asarray(bunch.data).astype(np.int64), np.asarray(bunch.target).astype(np.int64)
    grey = np.rint(pixels * (255 / LEVELS)).astype(np.uint8).reshape(-1, 1, 8, 8)
    return torch.from_numpy(grey), torch.from_numpy(labels.copy())


def split_digits(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Positions of the training and the test images: a fixed stratified split, since there is no
    official one. It does not depend on a recipe's seed."""
    return stratified_split(labels, NUM_TEST, SPLIT_SEED)
