"""NumPy archives as MedMNIST has them: `train_images`, `train_labels`, and the same of `val` and `test`."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specgraph.datasets.files import data_file
from specgraph.datasets.number_targets import single_precision
from specgraph.datasets.samples import Dataset, ImageTensor, Samples, whole
from specgraph.datasets.split import held_out_test
from specgraph.datasets.statistics import sample_statistics
from specgraph.errors import CommandError, reason
from specgraph.recipes.feeding import Data

PARTS = {"train": "train", "validation": "val", "test": "test"}
LAYOUT = "an archive holds train_images (N, H, W) or (N, H, W, 3), train_labels (N, K), and the same of val and test"


def read_npz(data: Data, targets: str) -> Dataset:
    """The images of an archive with their `targets`: `class`, `labels`, `numbers` or `picture`.

    Raises `CommandError` for other arrays than `LAYOUT` says, and labels that the targets do not have.
    """
    path = data_file(data)
    arrays = _arrays(path)
    found = {part: _samples(arrays, prefix, targets, path) for part, prefix in PARTS.items()}
    train, validation, test = (found[part] for part in PARTS)
    if train is None:
        raise CommandError(f"{path} has no train_images; it has {', '.join(sorted(arrays)) or 'nothing'}", LAYOUT)
    notes: tuple[str, ...] = ()
    if test is None:
        kept, held, notes = held_out_test(train.labels, f"{path.name} has no test images")
        train, test = train.select(kept), train.select(held)
    for part, samples in (("val", validation), ("test", test)):
        if samples is not None and samples.source.read(0).shape != train.source.read(0).shape:
            raise CommandError(f"{path}: {part}_images differ in shape from train_images", LAYOUT)
    channels, height, width = train.source.read(0).shape
    names = _names(data, targets, [some.labels for some in (train, validation, test) if some is not None], path)
    mean, std = sample_statistics(train)
    return Dataset(path.stem, train, test, names, channels, (height, width), mean, std, validation, notes=notes)


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise CommandError(f"{path} holds one array, and not several by name", LAYOUT)
        with archive:
            return {name: archive[name] for name in archive.files if name.split("_")[0] in PARTS.values()}
    except FileNotFoundError:
        raise CommandError(f"there is no archive {path}", "data.file is looked for below data.root") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {reason(error)}") from None
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CommandError(f"{path} is not a NumPy archive: {error}", LAYOUT) from None


def _samples(arrays: dict[str, NDArray[np.generic]], prefix: str, targets: str, path: Path) -> Samples | None:
    images = arrays.get(f"{prefix}_images")
    if images is None or not len(images):
        return None
    is_grey = images.ndim == 3
    if images.dtype != np.uint8 or not (is_grey or (images.ndim == 4 and images.shape[-1] in (1, 3))):
        shape = "x".join(map(str, images.shape))
        raise CommandError(f"{path}: {prefix}_images is {images.dtype} of shape {shape}, not uint8 images", LAYOUT)
    pixels = torch.from_numpy(images)
    nchw = pixels.unsqueeze(1) if is_grey else pixels.permute(0, 3, 1, 2)
    labels = arrays.get(f"{prefix}_labels")
    if targets == "picture":
        values = torch.zeros(len(images), dtype=torch.int64)
    elif labels is None or len(labels) != len(images) or labels.ndim > 2:
        what = "absent" if labels is None else f"of shape {'x'.join(map(str, labels.shape))}"
        raise CommandError(f"{path}: {prefix}_labels is {what}, for {len(images)} images", LAYOUT)
    else:
        values = _labels(labels.reshape(len(labels), -1), targets, f"{path}: {prefix}_labels")
    return whole(ImageTensor(nchw.contiguous()), values)


def _labels(labels: NDArray[np.generic], targets: str, where: str) -> Tensor:
    """Class numbers (N,), or labels or numbers (N, K), of an array (N, K)."""
    if labels.dtype.kind not in "buif":
        raise CommandError(f"{where} is {labels.dtype}, and not numbers")
    values = torch.from_numpy(labels.astype(np.float64))
    if not bool(values.isfinite().all()):
        raise CommandError(f"{where} holds values that are not finite")
    if targets == "numbers":
        return single_precision(values, [f"column {place} of {where}" for place in range(values.shape[1])])
    if targets == "labels":
        other = values[(values != 0) & (values != 1)]
        if len(other):
            raise CommandError(f"{where} holds {other[0]:g}", "labels are 1 or 0, a column each")
        return values.float()
    if labels.shape[1] != 1:
        raise CommandError(
            f"{where} has {labels.shape[1]} columns, and a class is one", "several labels: task: multi_label"
        )
    numbers = values[:, 0]
    wrong = numbers[(numbers < 0) | (numbers != numbers.round())]
    if len(wrong):
        raise CommandError(f"{where} holds {wrong[0]:g}, which is no class number", "numbers: task: regression")
    return numbers.long()


def _names(data: Data, targets: str, labels: list[Tensor], path: Path) -> tuple[str, ...]:
    if targets == "picture":
        return ()
    count = max(int(part.max()) + 1 if targets == "class" else part.shape[1] for part in labels)
    stated = data.classes if isinstance(data.classes, tuple) else None
    wanted = data.num_classes or count
    if (targets == "class" and count > wanted) or (targets != "class" and count != wanted):
        what = f"class {count - 1}" if targets == "class" else f"{count} columns of labels"
        raise CommandError(f"{path} holds {what}, and data.classes says {wanted}", "classes are counted from 0")
    return stated or tuple(map(str, range(wanted)))
