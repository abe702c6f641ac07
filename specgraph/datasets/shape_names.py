"""What the drawn data set calls its targets. Imports no PyTorch."""

from __future__ import annotations

KINDS = ("circle", "square", "triangle", "cross")
NUMBERS = ("count", "area")
UNITS = {"area": "%"}
"""Of the numbers that have one."""
MASK_CLASSES = ("background", *KINDS)
DRAWN_SIDE, DRAWN_IMAGES = 64, 2000
"""Pixels a side, and images, of a recipe that does not say them."""
SMALLEST_SIDE, FEWEST_IMAGES = 16, 10
"""From which on shapes are drawn: pixels a side, and images."""
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
