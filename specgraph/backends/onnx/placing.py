"""A picture brought to the network's size inside an ONNX file, from the same whole numbers as in training.

The part that is kept and the size it gets are computed by integer nodes from the picture's own size, which is free;
`datasets/placement.py` has the formulas, `datasets/resample.py` the resizing.
"""

from __future__ import annotations

import numpy as np

from specgraph.backends.onnx.builder import FLOAT, Attribute, Builder
from specgraph.datasets.placement import SHARES, shares_of
from specgraph.recipes.resizing import Crop, Pad, Resize

CUBIC = -0.5


class Placer:
    """Adds the nodes for one input. `whole_numbers`: pixels are rounded to bytes, as pictures of files are."""

    def __init__(
        self, builder: Builder, name: str, size: tuple[int, int], resize: Resize, *, whole_numbers: bool
    ) -> None:
        self.builder, self.name, self.resize, self.whole_numbers = builder, name, resize, whole_numbers
        self.size = size
        self.in_bytes = whole_numbers and (resize.antialias or resize.interpolation == "nearest")

    def place(self) -> str:
        """The name of the picture (N, C, height, width) as floats in 0..255, from bytes (N, H, W, C)."""
        value = self._crop() if isinstance(self.resize, Crop) else self.name
        value = self._node("Transpose", [value], "channels_first", perm=[0, 3, 1, 2])
        if not self.in_bytes:
            value = self._float(value)
        if isinstance(self.resize, Pad):
            sides = self._fitted()
            value = self._padded(self._resized(value, sides), sides)
        else:
            sides = [
                self._whole(side, which) for side, which in zip(self.size, ("height_of_it", "width_of_it"), strict=True)
            ]
            value = self._resized(value, sides)
        return self._float(value) if self.in_bytes else value

    def _float(self, value: str) -> str:
        return self._node("Cast", [value], "float", to=FLOAT)

    # geometry ----------------------------------------------------------------------------------

    def _crop(self) -> str:
        share = shares_of(self.resize)
        (wanted_height, wanted_width), (height, width) = self.size, self._sides()
        kept = []
        for own, other, ours, theirs, which in (
            (height, width, wanted_height, wanted_width, "kept_height"),
            (width, height, wanted_width, wanted_height, "kept_width"),
        ):
            whole = self._rounded(self._times(own, share, f"{which}/share"), SHARES, f"{which}/whole")
            fitting = self._rounded(
                self._times(other, ours * share, f"{which}/by_aspect"), theirs * SHARES, f"{which}/fitting"
            )
            kept.append(self._at_least_one(self._node("Min", [whole, fitting], f"{which}/least"), which))
        starts, ends = [], []
        for own, side, which in zip((height, width), kept, ("top", "left"), strict=True):
            spare = self._node("Sub", [own, side], f"{which}/spare")
            starts.append(self._node("Div", [spare, self._whole(2, "two")], which))
            ends.append(self._node("Add", [starts[-1], side], f"{which}/end"))
        axes = self.builder.constant(f"{self.name}/axes", np.asarray([1, 2], np.int64))
        start = self._node("Concat", starts, "start", axis=0)
        end = self._node("Concat", ends, "end", axis=0)
        return self._node("Slice", [self.name, start, end, axes], "cropped")

    def _fitted(self) -> list[str]:
        """Height and width of a whole picture inside the input."""
        (wanted_height, wanted_width), (height, width) = self.size, self._sides()
        fitted = []
        for own, other, ours, theirs, which in (
            (height, width, wanted_height, wanted_width, "fitted_height"),
            (width, height, wanted_width, wanted_height, "fitted_width"),
        ):
            doubled = self._times(own, 2 * theirs, f"{which}/doubled")
            ratio = self._node("Add", [doubled, other], f"{which}/numerator")
            ratio = self._node("Div", [ratio, self._times(other, 2, f"{which}/denominator")], f"{which}/ratio")
            least = self._node("Min", [ratio, self._whole(ours, f"{which}_most")], f"{which}/least")
            fitted.append(self._at_least_one(least, which))
        return fitted

    def _padded(self, value: str, sides: list[str]) -> str:
        assert isinstance(self.resize, Pad)
        before, after = [], []
        for side, wanted, which in zip(sides, self.size, ("above", "left_of_it"), strict=True):
            spare = self._node("Sub", [self._whole(wanted, f"{which}_all"), side], f"{which}/spare")
            before.append(self._node("Div", [spare, self._whole(2, "two")], which))
            after.append(self._node("Sub", [spare, before[-1]], f"{which}/rest"))
        none = self.builder.constant(f"{self.name}/none", np.zeros(2, np.int64))
        pads = self._node("Concat", [none, *before, none, *after], "pads", axis=0)
        kind = np.uint8 if self.in_bytes else np.float32
        fill = self.builder.constant(f"{self.name}/fill", np.asarray(self.resize.fill, kind))
        return self._node("Pad", [value, pads, fill], "padded")

    def _sides(self) -> tuple[str, str]:
        height = self._node("Shape", [self.name], "height", start=1, end=2)
        return height, self._node("Shape", [self.name], "width", start=2, end=3)

    def _rounded(self, numerator: str, denominator: int, which: str) -> str:
        """A quotient as the nearest whole number, halves up."""
        doubled = self._times(numerator, 2, f"{which}/doubled")
        moved = self._node("Add", [doubled, self._whole(denominator, f"{which}_half")], f"{which}/moved")
        return self._node("Div", [moved, self._whole(2 * denominator, f"{which}_whole")], which)

    def _times(self, value: str, factor: int, which: str) -> str:
        return self._node("Mul", [value, self._whole(factor, f"{which}_factor")], which)

    def _at_least_one(self, value: str, which: str) -> str:
        return self._node("Max", [value, self._whole(1, "one")], which)

    # pixels ------------------------------------------------------------------------------------

    def _resized(self, value: str, sides: list[str]) -> str:
        if self.resize.interpolation == "nearest":
            return self._nearest(value, sides)
        height, width = sides
        if self.in_bytes:  # columns first, then rows, as in training; onnxruntime rounds and clips bytes as Pillow does
            return self._resize(self._resize(value, [width], "columns"), [height, width], "resized")
        return self._rounded_pixels(self._resize(value, [height, width], "resized"))

    def _resize(self, value: str, sides: list[str], which: str) -> str:
        """Sizes of all axes: onnxruntime moves a Transpose through Resize as if it had no `axes`."""
        shape = self._node("Shape", [value], f"{which}/shape", end=4 - len(sides))
        sizes = self._node("Concat", [shape, *sides], f"{which}/sizes", axis=0)
        antialias = int(self.resize.antialias)
        kernel: dict[str, Attribute] = {"mode": "linear"}
        if self.resize.interpolation == "bicubic":
            kernel = {"mode": "cubic", "cubic_coeff_a": CUBIC}
        return self._node(
            "Resize",
            [value, "", "", sizes],
            which,
            antialias=antialias,
            exclude_outside=antialias,
            coordinate_transformation_mode="half_pixel",
            **kernel,
        )

    def _rounded_pixels(self, value: str) -> str:
        """Halves up, as bytes are."""
        if not self.whole_numbers:
            return value
        half = self.builder.constant(f"{self.name}/half_a_step", np.asarray(0.5, np.float32))
        raised = self.builder.raw("Add", [value, half], f"{value}/raised")
        value = self.builder.raw("Floor", [raised], f"{value}/bytes")
        if self.resize.interpolation != "bicubic":
            return value
        black, white = (
            self.builder.constant(f"{self.name}/{colour}", np.asarray(level, np.float32))
            for colour, level in (("black", 0), ("white", 255))
        )
        return self.builder.raw("Clip", [value, black, white], f"{value}/clipped")

    def _nearest(self, value: str, sides: list[str]) -> str:
        for axis, side, which in ((2, sides[0], "rows"), (3, sides[1], "columns")):
            old = self._node("Shape", [value], f"{which}/old", start=axis, end=axis + 1)
            scalar = self._node("Squeeze", [side], f"{which}/new")
            zero, step = (
                self.builder.constant(f"{self.name}/{word}", np.asarray(number, np.int64))
                for word, number in (("zero", 0), ("step", 1))
            )
            order = self._node("Range", [zero, scalar, step], f"{which}/order")
            twice = self._times(order, 2, f"{which}/twice")
            centres = self._node("Add", [twice, self._whole(1, "one")], f"{which}/centres")
            scaled = self._node("Mul", [centres, old], f"{which}/scaled")
            places = self._node("Div", [scaled, self._times(side, 2, f"{which}/doubled")], f"{which}/places")
            value = self._node("Gather", [value, places], which, axis=axis)
        return value

    # nodes -------------------------------------------------------------------------------------

    def _whole(self, number: int, which: str) -> str:
        return self.builder.constant(f"{self.name}/{which}", np.asarray([number], np.int64))

    def _node(self, op: str, inputs: list[str], output: str, **attributes: Attribute) -> str:
        """A node named after the input."""
        return self.builder.raw(op, inputs, f"{self.name}/{output}", **attributes)
