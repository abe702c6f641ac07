"""What is odd about a data set: empty classes, labels that count from 1, images in two splits, constant targets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from specgraph.datasets.demands import GREY_CLASSES
from specgraph.datasets.samples import IGNORED, Dataset, Samples

MOST_NAMED = 5
PAIRS = (("train", "validation"), ("train", "test"), ("validation", "test"))


def odd_targets(
    dataset: Dataset, parts: Mapping[str, Samples], targets: str, masks: Mapping[str, Tensor] | None = None
) -> list[str]:
    """What to look at in the targets before training, a sentence each. `masks` counts, for each part, the images that
    have each class number in their masks."""
    if targets == "class":
        counts = {part: torch.bincount(some.labels, minlength=dataset.num_classes) for part, some in parts.items()}
    elif targets == "labels":
        counts = {part: some.labels.sum(0).long() for part, some in parts.items()}
    else:
        counts = dict(masks or {})
    found = _of_counts(counts, dataset.class_names, targets)
    if targets == "mask" and len(dataset.class_names) == 1 and counts and int(counts["train"][IGNORED]):
        found.append(
            f"beside class {dataset.class_names[0]} all pixels are {IGNORED}, which is ignored: {GREY_CLASSES}"
        )
    if targets == "numbers":
        spread = dataset.train.labels.amax(0) - dataset.train.labels.amin(0)
        same = [name for name, width in zip(dataset.class_names, spread.tolist(), strict=True) if width == 0]
        found += [f"{_listed(same)}: the same number in all training images"] if same else []
    return found


def _of_counts(counts: Mapping[str, Tensor], names: Sequence[str], targets: str) -> list[str]:
    """What counts of classes or labels tell: which are in no image, or in none to train with."""
    if not counts:
        return []
    what = "label" if targets == "labels" else "class"
    total = torch.stack([count[: len(names)] for count in counts.values()]).sum(0).tolist()
    absent = [name for name, count in zip(names, total, strict=True) if not count]
    untrained = [
        name
        for name, count, all_of in zip(names, counts["train"].tolist(), total, strict=False)
        if all_of and not count
    ]
    told = []
    from_one = targets != "labels" and len(names) > 1 and absent == [names[0]]
    if from_one:
        told.append(
            f"the class numbers go from 1 to {len(names) - 1}: class 0 ({names[0]}) is in no image. "
            "Subtract 1 from all labels, unless the class is meant"
        )
    elif absent:
        told.append(f"no image has the {what} {_listed(absent)}")
    if untrained:
        told.append(f"no training image has the {what} {_listed(untrained)}, but others do")
    return told


def duplicates(parts: Mapping[str, Samples], *, has_mask: bool = False) -> list[str]:
    """How many images of a split are in another too, pixel for pixel, without their masks."""
    prints = {part: _fingerprints(samples, has_mask) for part, samples in parts.items()}
    told = []
    for one, other in PAIRS:
        if one in prints and other in prints:
            places = {digest: place for place, digest in reversed(list(enumerate(prints[one])))}
            twice = [place for place, digest in enumerate(prints[other]) if digest in places]
            if twice:
                first = f"{other} image {twice[0]} is {one} image {places[prints[other][twice[0]]]}"
                are = "image is" if len(twice) == 1 else "images are"
                told.append(f"{len(twice)} of {len(prints[other])} {other} {are} in {one} too: {first}")
    return told


def _fingerprints(samples: Samples, has_mask: bool) -> list[bytes]:
    def of(index: int) -> bytes:
        image = samples.source.read(index)
        pixels = (image[:-1] if has_mask else image).contiguous()
        return hashlib.blake2b(pixels.numpy().tobytes(), digest_size=16).digest()

    with ThreadPoolExecutor() as pool:
        return list(pool.map(of, samples.indices.tolist()))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
