"""What a data set holds, as plain data: counts of classes and labels, histograms of numbers, shares of masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from specgraph.datasets.findings import duplicates, odd_targets
from specgraph.datasets.packed import unpacked
from specgraph.datasets.samples import IGNORED, Dataset, Part, Samples
from specgraph.datasets.statistics import sample_statistics

NUM_BINS = 10


def describe(dataset: Dataset, targets: str) -> dict[str, Any]:
    """Facts of a data set whose samples have `targets` (`class`, `labels`, `numbers`, `mask`, `picture`, or `heads` for
    those of several outputs, told for each); mean and deviation are over all pixels of the training images. Masks are
    the last channel of the images."""
    parts = parts_of(dataset)
    mean, std = dataset.mean, dataset.std
    if mean is None or std is None:
        mean, std = sample_statistics(dataset.train)
    if dataset.heads:
        heads, warnings = _of_heads(dataset)
        learnt: dict[str, Any] = {"targets": targets, "heads": heads}
        has_mask = any(head.targets == "mask" for head in dataset.heads)
    else:
        learnt, warnings = _learnt(dataset, targets)
        has_mask = targets == "mask"
    return {
        "name": dataset.name,
        **learnt,
        "channels": dataset.channels,
        "size": list(dataset.size) if dataset.size else None,
        **({"pictures": {part.name or "wanted": list(part.shape) for part in dataset.parts}} if dataset.parts else {}),
        "images": {part: len(samples) for part, samples in parts.items()},
        "mean": [round(value, 6) for value in mean],
        "std": [round(value, 6) for value in std],
        "notes": list(dataset.notes),
        "warnings": warnings + duplicates(parts, has_mask=has_mask and not dataset.parts),
    }


def _of_heads(dataset: Dataset) -> tuple[dict[str, Any], list[str]]:
    """What each of several outputs learns, by its name, and what is odd about it."""
    facts, warnings = {}, []
    for head in dataset.heads:
        held = None if dataset.validation is None else head.of(dataset.validation)
        own = replace(
            dataset, train=head.of(dataset.train), test=head.of(dataset.test), validation=held,
            class_names=head.names, heads=(),
        )  # fmt: skip
        facts[head.name], odd = _learnt(own, head.targets)
        warnings += [f"output `{head.name}`: {told}" for told in odd]
    return facts, warnings


def _learnt(dataset: Dataset, targets: str) -> tuple[dict[str, Any], list[str]]:
    """What is learnt of a data set, and what is odd about it."""
    parts = parts_of(dataset)
    masks = {part: mask_counts(samples, dataset.parts) for part, samples in parts.items()} if targets == "mask" else {}
    of_targets = {"class": _of_classes, "labels": _of_labels, "numbers": _of_numbers}
    own = _of_masks(masks, dataset.num_classes) if masks else {}
    if targets in of_targets:
        own = of_targets[targets](dataset, parts)
    names = {"classes" if targets in ("class", "mask") else targets: list(dataset.class_names)}
    odd = odd_targets(dataset, parts, targets, {part: present for part, (_, present) in masks.items()})
    return {"targets": targets, **names, **own}, odd


def parts_of(dataset: Dataset) -> dict[str, Samples]:
    """The parts that a data set has, by name."""
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return {part: samples for part, samples in parts.items() if samples is not None}


def mask_counts(samples: Samples, pictures: tuple[Part, ...] = ()) -> tuple[Tensor, Tensor]:
    """Of each of 256 class numbers: its pixels in all masks, and the images that have it; int64 (256,). Samples of
    several `pictures` have the mask in the first."""
    pixels, images = (torch.zeros(256, dtype=torch.int64) for _ in range(2))
    for index in samples.indices.tolist():
        found = torch.bincount(unpacked(samples.source.read(index), pictures)[0][-1].flatten().long(), minlength=256)
        pixels += found
        images += found > 0
    return pixels, images


def _of_classes(dataset: Dataset, parts: Mapping[str, Samples]) -> dict[str, Any]:
    counts = {part: torch.bincount(some.labels, minlength=dataset.num_classes).tolist() for part, some in parts.items()}
    return {"per_class": counts}


def _of_labels(dataset: Dataset, parts: Mapping[str, Samples]) -> dict[str, Any]:
    return {
        "per_label": {part: some.labels.sum(0).long().tolist() for part, some in parts.items()},
        "without_labels": {part: int((some.labels.sum(1) == 0).sum()) for part, some in parts.items()},
    }


def _of_numbers(dataset: Dataset, parts: Mapping[str, Samples]) -> dict[str, Any]:
    found = {}
    for place, name in enumerate(dataset.class_names):
        columns = {part: some.labels[:, place].double() for part, some in parts.items()}
        low = min(float(values.min()) for values in columns.values())
        high = max(float(values.max()) for values in columns.values())
        found[name] = {part: _of_column(values, low, high) for part, values in columns.items()}
    return {"per_number": found}


def _of_column(values: Tensor, low: float, high: float) -> dict[str, Any]:
    """Range, mean and deviation, and how many values fall into each of ten equal parts of `low` to `high`."""
    bins = ((values - low) / max(high - low, 1e-300) * NUM_BINS).long().clamp(0, NUM_BINS - 1)
    return {
        "least": float(values.min()),
        "mean": float(values.mean()),
        "std": float(values.std(correction=0)),
        "most": float(values.max()),
        "histogram": torch.bincount(bins, minlength=NUM_BINS).tolist(),
    }


def _of_masks(masks: Mapping[str, tuple[Tensor, Tensor]], num_classes: int) -> dict[str, Any]:
    shares = {part: (pixels.double() / pixels.sum().clamp(min=1)).tolist() for part, (pixels, _) in masks.items()}
    return {
        "pixel_share": {part: [round(value, 6) for value in share[:num_classes]] for part, share in shares.items()},
        "ignored_share": {part: round(share[IGNORED], 6) for part, share in shares.items()},
        "images_with": {part: images[:num_classes].tolist() for part, (_, images) in masks.items()},
    }
