"""What a data set from Python says of its own transforms, in the words of `torchvision.datasets`.

Read by name, so that torchvision need not be installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]
SCALING = (("ToTensor",), ("ToImage", "ToDtype"), ("PILToTensor", "ToDtype"), ("PILToTensor", "ConvertImageDtype"))
LEAVING_THE_SCALE = frozenset(
    (
        *("Resize", "CenterCrop", "Pad", "RandomCrop", "RandomResizedCrop", "RandomHorizontalFlip"),
        *("RandomVerticalFlip", "RandomRotation", "RandomAffine", "RandomPerspective", "Grayscale", "RandomGrayscale"),
        *("ColorJitter", "GaussianBlur", "AutoAugment", "RandAugment", "TrivialAugmentWide", "RandomErasing"),
    )
)


def known_normalisation(dataset: Any) -> Normalisation | None:
    """(mean, std) by which the transforms of a data set normalise values in 0..1; None where they are
    not torchvision's own `ToTensor` and `Normalize`, or stand beside others that change the scale."""
    transform = getattr(_innermost(dataset), "transform", None)
    if transform is None:
        return None
    steps = [step for step in _steps(transform) if not _is_torchvisions(step, LEAVING_THE_SCALE)]
    last = steps.pop() if steps and _is_torchvisions(steps[-1], {"Normalize"}) else None
    names = tuple(type(step).__name__ for step in steps)
    if names not in SCALING or not all(_is_torchvisions(step, names) for step in steps):
        return None
    if names[-1] == "ToDtype" and not getattr(steps[-1], "scale", False):
        return None
    if last is None:
        return (0.0,), (1.0,)
    try:
        return tuple(float(value) for value in last.mean), tuple(float(value) for value in last.std)
    except (AttributeError, TypeError, ValueError):
        return None


def keeps_targets(dataset: Any) -> bool:
    """Whether a data set says that the labels of its items are its `targets` as they are."""
    if getattr(dataset, "target_transform", dataset) is not None:
        return False
    both = getattr(dataset, "transforms", None)
    return both is None or (_is_torchvisions(both, {"StandardTransform"}) and both.target_transform is None)


def _innermost(dataset: Any) -> Any:
    """The data set that subsets are taken of."""
    for _ in range(8):
        if type(dataset).__name__ != "Subset":
            break
        dataset = dataset.dataset
    return dataset


def _steps(transform: Any) -> Iterator[Any]:
    if _is_torchvisions(transform, {"Compose"}):
        for step in transform.transforms:
            yield from _steps(step)
    else:
        yield transform


def _is_torchvisions(step: Any, names: Any) -> bool:
    kind = type(step)
    return kind.__name__ in names and kind.__module__.split(".")[0] == "torchvision"
