"""What the drawn data set calls its targets. Imports no PyTorch."""

from __future__ import annotations

KINDS = ("circle", "square", "triangle", "cross")
NUMBERS = ("count", "area")
UNITS = {"area": "%"}
"""Of the numbers that have one."""
MASK_CLASSES = ("background", *KINDS)
LIKENESS = ("different", "same")
"""The classes of several pictures: whether their shapes are of one kind."""
TWO_CLASSES = ("background", "shape")
"""The classes of masks that do not tell kinds."""
NAMES_OF: dict[str, tuple[str, ...]] = {
    "class": KINDS,
    "labels": KINDS,
    "numbers": NUMBERS,
    "mask": MASK_CLASSES,
    "picture": (),
}
