"""What a Python user's data say of each image: a class, numbers, labels, a mask, or a dict with these for several
outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specgraph.datasets.catalog import Targets
from specgraph.datasets.number_targets import single_precision
from specgraph.datasets.samples import IGNORED, HeadTargets, Samples, joined_targets
from specgraph.errors import CommandError

Kinds = Mapping[str, Targets]
"""The kind of target of each output, by the output's name; of a single output by an empty name."""


def read_targets(given: Any, kinds: Kinds, name: str) -> dict[str, Tensor]:
    """The targets of each output: class numbers (N,), float32 numbers or labels (N, K), uint8 masks (N, H, W); nothing
    for pictures. `given` holds those of all images of the part `name`; for several outputs it is a dict by their names,
    or a list of dicts. Raises `CommandError`."""
    if "" in kinds:
        return {"": _of_kind(given, kinds[""], name)} if kinds[""] != "picture" else {}
    by_output = given if isinstance(given, Mapping) else _turned(given, name)
    wanted = [output for output, kind in kinds.items() if kind != "picture"]
    lacking = [output for output in wanted if output not in by_output]
    if lacking:
        raise CommandError(
            f"the {name} data say nothing of the output `{lacking[0]}`",
            f"give a dict with {', '.join(wanted)} instead of a label",
        )
    return {output: _of_kind(by_output[output], kinds[output], name, output) for output in wanted}


def _turned(given: Any, name: str) -> dict[str, list[Any]]:
    """A dict of lists from a list of dicts."""
    rows = list(given)
    for position, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise CommandError(
                f"the label of {name} image {position} is {_shown(row)}, and the recipe trains several outputs",
                "give a dict from the outputs' names to what each learns",
            )
    common = set.intersection(*(set(row) for row in rows)) if rows else set()
    return {output: [row[output] for row in rows] for output in common}


def _of_kind(given: Any, kind: Targets, name: str, output: str = "") -> Tensor:
    what = f"{name} data of `{output}`" if output else f"{name} data"
    if kind == "class":
        return class_numbers(given, name)
    array = _array(given, what)
    if kind == "mask":
        return _masks(array, what)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise CommandError(
            f"the {what} have targets of shape {tuple(array.shape)}",
            f"give (N, {'numbers' if kind == 'numbers' else 'labels'}), one row for each image",
        )
    found = torch.from_numpy(array.astype(np.float64))
    wrong = ~found.isfinite() if kind == "numbers" else (found != 0) & (found != 1)
    if wrong.any():
        row, column = wrong.nonzero()[0].tolist()
        is_to_be = "a finite number" if kind == "numbers" else "0 or 1, as each label is off or on"
        raise CommandError(f"row {row} of the {what} has {array[row, column]} in column {column}", f"give {is_to_be}")
    if kind == "numbers":
        return single_precision(found, [f"column {place} of the {what}" for place in range(found.shape[1])])
    return found.float()


def _array(given: Any, what: str) -> np.ndarray[Any, Any]:
    """Targets as an array of numbers."""
    try:
        array = given.numpy() if isinstance(given, Tensor) else np.stack([np.asarray(each) for each in given])
    except (TypeError, ValueError) as error:
        raise CommandError(f"the {what} have targets that are no numbers of one shape: {error}") from None
    if array.dtype.kind not in "biuf":
        raise CommandError(f"the {what} have targets of the type {array.dtype}", "give numbers")
    return array


def _masks(array: np.ndarray[Any, Any], what: str) -> Tensor:
    if array.ndim != 3 or array.dtype.kind == "f":
        raise CommandError(
            f"the {what} have masks of shape {tuple(array.shape)} and type {array.dtype}",
            f"give whole numbers (N, H, W): the class of each pixel, {IGNORED} for one that counts nowhere",
        )
    low, high = int(array.min(initial=0)), int(array.max(initial=0))
    if low < 0 or high > IGNORED:
        raise CommandError(
            f"the {what} have masks with numbers from {low} to {high}", f"classes count from 0 to {IGNORED - 1}"
        )
    return torch.from_numpy(array.astype(np.uint8))


def class_numbers(labels: Any, name: str) -> Tensor:
    """Labels as int64 class numbers. Raises `CommandError` naming the first that is none."""
    if isinstance(labels, Tensor | np.ndarray) and labels.ndim != 1:
        raise CommandError(
            f"the {name} labels have shape {tuple(labels.shape)}", "give one class number, from 0, for each image"
        )
    numbers = labels.tolist() if isinstance(labels, Tensor | np.ndarray) else list(labels)
    for position, label in enumerate(numbers):
        try:
            number = int(label)
            is_number = number == label and number >= 0
        except (TypeError, ValueError):
            is_number = False
        if not is_number:
            raise CommandError(
                f"the label of {name} image {position} is {_shown(label)}",
                "give class numbers, counted from 0, as labels",
            )
        numbers[position] = number
    return torch.tensor(numbers, dtype=torch.int64)


def _shown(label: Any) -> str:
    return " ".join(str(label).split())[:60]


def joined(
    parts: Sequence[tuple[Samples, Mapping[str, Tensor]]], kinds: Kinds, classes: Sequence[str] | None
) -> tuple[list[Samples], tuple[str, ...], tuple[HeadTargets, ...]]:
    """The samples of each part with their labels, the names of classes, labels or numbers, and what several outputs
    learn. `classes` are the names that the data set has, if it has any."""
    names: dict[str, tuple[str, ...]] = {}
    for output, kind in kinds.items():
        found = [targets[output] for _, targets in parts if output in targets]
        count = _count(kind, found) if found else 0
        named = classes if classes is not None and "" in kinds and len(classes) >= count else None
        names[output] = tuple(map(str, named if named is not None else range(count)))
    samples: list[Samples] = []
    heads: tuple[HeadTargets, ...] = ()
    for part, targets in parts:
        zeros = torch.zeros(len(part), dtype=torch.int64)
        own = {name: zeros if kind in ("mask", "picture") else targets[name] for name, kind in kinds.items()}
        if "" in kinds:
            labels = own[""]
        else:
            labels, heads = joined_targets({name: (kind, own[name], names[name]) for name, kind in kinds.items()})
        samples.append(Samples(part.source, part.indices, labels))
    return samples, names.get("", ()), heads


def _count(kind: Targets, found: Sequence[Tensor]) -> int:
    if kind in ("numbers", "labels"):
        return found[0].shape[1]
    return max(int(torch.where(each == IGNORED, 0, each).max() if kind == "mask" else each.max()) for each in found) + 1
