"""Which part of a picture is kept, the size it gets, and where it lies: whole pixels, the same in every program.

ONNX files compute this inside (`backends/onnx/placing.py`), from the same integers. Imports no NumPy.
"""

from __future__ import annotations

from typing import NamedTuple

from specgraph.recipes.resizing import Crop, Pad, Resize, Stretch

SHARES = 1_000_000
"""Shares are counted in millionths."""


class Placement(NamedTuple):
    """`top`, `left`, `height` and `width` of the part that is kept, in pixels of the picture; the `size`
    (height, width) it is resized to; and `offset` (top, left) of that in the network's input."""

    top: int
    left: int
    height: int
    width: int
    size: tuple[int, int]
    offset: tuple[int, int] = (0, 0)

    def keeps_all(self, picture: tuple[int, int]) -> bool:
        """Whether nothing of a picture (height, width) is cut off."""
        return (self.height, self.width) == picture


def shares_of(resize: Resize) -> int:
    """The share of a crop in millionths."""
    return max(1, round(resize.share * SHARES)) if isinstance(resize, Crop) else SHARES


def place(resize: Resize, picture: tuple[int, int], size: tuple[int, int]) -> Placement:
    """Where a picture (height, width) lies in an input of `size` (height, width).

    A crop is centred and at least a pixel; a half pixel too many is lost at the bottom and on the right.
    """
    (height, width), (wanted_height, wanted_width) = picture, size
    if isinstance(resize, Crop):
        share = shares_of(resize)
        kept_height = min(
            _rounded(height * share, SHARES), _rounded(width * wanted_height * share, wanted_width * SHARES)
        )
        kept_width = min(
            _rounded(width * share, SHARES), _rounded(height * wanted_width * share, wanted_height * SHARES)
        )
        kept_height, kept_width = max(1, kept_height), max(1, kept_width)
        return Placement((height - kept_height) // 2, (width - kept_width) // 2, kept_height, kept_width, size)
    if isinstance(resize, Pad):
        fitted_height = max(1, min(wanted_height, _rounded(height * wanted_width, width)))
        fitted_width = max(1, min(wanted_width, _rounded(width * wanted_height, height)))
        offset = (wanted_height - fitted_height) // 2, (wanted_width - fitted_width) // 2
        return Placement(0, 0, height, width, (fitted_height, fitted_width), offset)
    return Placement(0, 0, height, width, size)


def _rounded(numerator: int, denominator: int) -> int:
    """A quotient as the nearest whole number, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)


def describe(resize: Resize | None, size: tuple[int, int], share: float = 1.0) -> str:
    """What happens to pictures, in words. Without `resize` they are those of an old run, of which the centre's
    `share` was kept."""
    at = f"{size[0]}x{size[1]}"
    if resize is None:
        kept = "the largest centred part" if share == 1 else f"{share:.1%} of the largest centred part"
        return f"each picture is cropped to {at}: {kept} of that aspect, as in all runs before data.resize"
    how = resize.interpolation + (", antialiased" if resize.antialias and resize.interpolation != "nearest" else "")
    if isinstance(resize, Crop):
        kept = (
            "as much of its centre as has that aspect"
            if resize.share == 1
            else (f"{resize.share:.1%} of the largest centred part of that aspect")
        )
        return f"each picture is cropped to {at}: {kept} ({how}); data.resize: stretch keeps all of it"
    if isinstance(resize, Pad):
        return f"each picture is fitted into {at} whole, the rest is filled with {resize.fill} ({how})"
    assert isinstance(resize, Stretch)
    return f"each picture is stretched to {at}, whole ({how})"
