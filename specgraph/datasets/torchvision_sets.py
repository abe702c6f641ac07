"""Any classification or segmentation set of `torchvision.datasets`: items of (image, class) or (image, mask)."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torchvision

from specgraph.datasets.columns import Columns
from specgraph.datasets.demands import missing
from specgraph.datasets.download import data_root
from specgraph.datasets.mask_folder import VOC_CLASSES
from specgraph.datasets.rows import read_rows
from specgraph.datasets.samples import Dataset
from specgraph.datasets.stored import Item
from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError
from specgraph.recipes.feeding import Data

SPLIT_WORDS = {
    "train": ("train", "trainval", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
SPLIT_ARGUMENTS = ("split", "image_set")
MASK_OPTIONS = {"target_types": "segmentation", "target_type": "semantic", "mode": "segmentation"}
MASK_CLASSES = {"VOCSegmentation": VOC_CLASSES, "SBDataset": VOC_CLASSES}
LABEL_LISTS = ("targets", "labels", "_labels")
NUM_PROBED = 5


def read_torchvision(data: Data, targets: str, size: tuple[int, int] | None, channels: int | None) -> Dataset:
    """The set `data.dataset` of torchvision below `data.root`, downloaded if torchvision can and it is not there, with
    `targets` `class`, `mask` or `picture` (see `read_rows`). `data.options` are further arguments of its class.

    Raises `CommandError` for a set that is unknown, absent, or has other items.
    """
    known = [name for name in torchvision.datasets.__all__ if hasattr(torchvision.datasets, name)]
    lack, name = missing(data), data.dataset or ""
    if lack is not None:
        raise lack.error()
    if name not in known:
        close = nearest(name, known)
        raise CommandError(
            f"torchvision has no data set `{name}`", f"did you mean {close}?" if close else "dataset: EuroSAT"
        )
    options = dict(data.options or {})
    parts = _parts(getattr(torchvision.datasets, name), name, data, targets, options)
    columns = _columns(name, parts, targets)
    return read_rows(columns, data.replace(inputs=None, targets=None), targets, size, channels)


def _parts(kind: Any, name: str, data: Data, targets: str, options: dict[str, Any]) -> dict[str, Any]:
    """The torchvision sets of each part."""
    parameters = inspect.signature(kind.__init__).parameters
    unknown = next((option for option in options if option not in parameters), None)
    if unknown is not None:
        raise CommandError(f"{name} of torchvision takes no `{unknown}`", f"it takes {', '.join(list(parameters)[1:])}")
    if targets == "mask":
        options = {key: word for key, word in MASK_OPTIONS.items() if key in parameters} | options
        if name == "Cityscapes":
            options = {"mode": "fine"} | {key: word for key, word in options.items() if key != "mode"}
    if "root" in parameters:
        options["root"] = str(data_root(data.root))
    by_word = next((key for key in SPLIT_ARGUMENTS if key in parameters and key not in options), None)
    if "train" in parameters and "train" not in options:
        return {part: _made(kind, name, options | {"train": part == "train"}) for part in ("train", "test")}
    if by_word is None:
        return {"train": _made(kind, name, options)}
    found = {}
    for part, words in SPLIT_WORDS.items():
        for word in words:
            try:
                found[part] = _made(kind, name, options | {by_word: word})
                break
            except ValueError:  # torchvision's word for a part that a set has not
                continue
    if "train" not in found:
        raise CommandError(f"{name} of torchvision has no training part", f"name it: options: {{{by_word}: …}}")
    if "test" not in found and "validation" in found:
        found["test"] = found.pop("validation")
    return found


def _made(kind: Any, name: str, options: dict[str, Any]) -> Any:
    """A set, downloaded if it is not there. Raises ValueError for a part that it has not, `CommandError` for others."""
    try:
        return kind(**options)
    except (RuntimeError, FileNotFoundError) as error:
        absent: Exception = error
    except (TypeError, ImportError) as error:
        raise CommandError(f"{name} of torchvision cannot be made: {error}", "see data.options") from None
    can = "download" in inspect.signature(kind.__init__).parameters
    try:
        if can:
            return kind(**options, download=True)
    except (RuntimeError, OSError) as error:
        absent = error
    told = " ".join(str(absent).split())
    failed = ", and it cannot be downloaded" if can else ""
    raise CommandError(
        f"{name} of torchvision is not in {options.get('root')}{failed}: {told}",
        "put its files there as torchvision lays them out, or name another place: root: …",
    )


def _columns(name: str, parts: dict[str, Any], targets: str) -> Columns:
    images: list[Item] = []
    learnt: list[Any] = []
    words: list[str] = []
    for part, items in parts.items():
        told = f"{name} ({part})"
        first = items[0]
        if not isinstance(first, tuple) or len(first) < 2 or not hasattr(first[0], "mode"):
            raise CommandError(f"the items of {name} are not (image, class) or (image, mask)")
        images += [Item(told, items, place, 0) for place in range(len(items))]
        words += [part] * len(items)
        if targets == "mask":
            if not hasattr(first[1], "mode"):
                raise CommandError(f"{name} of torchvision has no masks", "it has one class for each image")
            learnt += [Item(f"the masks of {told}", items, place, 1) for place in range(len(items))]
        elif targets == "class":
            learnt += _classes(items, name)
    values: dict[str, Sequence[Any]] = {"image": images} | ({"target": learnt} if learnt else {})
    classes = MASK_CLASSES.get(name) if targets == "mask" else _class_names(parts["train"], learnt)
    return Columns(name, values, data_root(), {"target": classes} if classes else {}, target="target", parts=words)


def _classes(items: Any, name: str) -> list[int]:
    """The class of each item: a list that the set keeps, if items agree with it; else what the items say."""
    probed = sorted({round(place * (len(items) - 1) / (NUM_PROBED - 1)) for place in range(NUM_PROBED)})
    for attribute in LABEL_LISTS:
        kept = getattr(items, attribute, None)
        if kept is not None and len(kept) == len(items) and all(_is(kept[i], items[i][1]) for i in probed):
            return [int(label) for label in kept]
    labels = [items[place][1] for place in range(len(items))]
    if not all(_is(label, label) for label in labels):
        raise CommandError(f"the targets of {name} are not class numbers", "see data.options for its kinds of targets")
    return [int(label) for label in labels]


def _is(label: Any, other: Any) -> bool:
    try:
        return bool(int(label) == label == int(other) == other)
    except (TypeError, ValueError, RuntimeError):
        return False


def _class_names(items: Any, labels: list[int]) -> tuple[str, ...] | None:
    names = getattr(items, "classes", None)
    if not isinstance(names, list | tuple) or not labels or len(names) <= max(labels):
        return None
    told = tuple(" / ".join(name) if isinstance(name, tuple) else str(name) for name in names)
    return told if len(set(told)) == len(told) else None
