"""Constants of a file that it repeats for each sample: folded for one sample, as a spec has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from specgraph.graph.dims import N, symbol
from specgraph.importers.budget import Budget
from specgraph.importers.constants import axes_of, fold, has_symbols, shape_array
from specgraph.importers.flat import Refusal
from specgraph.importers.onnx_file import OnnxNode

Array = NDArray[Any]
SAMPLE = symbol("sample")
"""The number of a sample in its batch."""
FILLING = frozenset(("Expand", "ConstantOfShape"))
"""Ops whose last input is a shape that they fill."""
OF_EACH_VALUE = frozenset(("Identity", "Cast", "Add", "Sub", "Mul", "Div", "Pow", "Neg", "Sqrt", "Abs", "Exp", "Where"))
"""Folded ops that keep axes, counted from the end."""


Axes = frozenset[int]


class Folder:
    """Computes nodes whose inputs are all constants. `constants` are those of the file, which grow; `repeated` says of
    some along which axes, counted from the end, the file repeats what is here of size 1, for each sample."""

    def __init__(self, constants: dict[str, Array], opset: int) -> None:
        self.constants = constants
        self.repeated: dict[str, Axes] = {}
        self.budget = Budget(constants.values())
        self._opset = opset

    def compute(self, node: OnnxNode) -> bool:
        """Compute a node; whether that can be done. Raises `Refusal`."""
        inputs = [self.constants[value] for value in node.inputs if value]
        axes: Axes = frozenset().union(*(self.repeated.get(value, frozenset()) for value in node.inputs))
        if node.op_type in FILLING and inputs and has_symbols(inputs[-1]):
            inputs[-1], filled = _for_one_sample(inputs[-1])
            axes |= filled
        elif node.op_type == "Shape" and axes:
            sizes = inputs[0].shape
            inputs = [shape_array([N if axis - len(sizes) in axes else size for axis, size in enumerate(sizes)])]
            node, axes = node._replace(op_type="Identity"), frozenset()
        elif node.op_type == "Range" and any(has_symbols(bound) for bound in inputs):
            inputs, axes = [_for_each_sample(inputs)], frozenset((-1,))
            node = node._replace(op_type="Identity")
        elif node.op_type == "Unsqueeze" and axes:
            axes = _widened(axes, inputs, node)
        elif axes and node.op_type not in OF_EACH_VALUE:
            raise Refusal("it changes a constant that is repeated for each sample")
        folded = fold(node, inputs, self._opset, self.budget)
        if folded is None:
            return False
        for output, array in zip(node.outputs, folded, strict=False):
            self.constants[output] = array
            if axes:
                self.repeated[output] = axes
        return True


def _for_one_sample(shape: Array) -> tuple[Array, frozenset[int]]:
    """A shape with 1 in the place of the batch, and where the batch is, counted from the end."""
    items = list(shape.ravel())
    batches = frozenset(place - len(items) for place, size in enumerate(items) if size == N)
    return np.asarray([1 if size == N else size for size in items]), batches


def _for_each_sample(bounds: list[Array]) -> Array:
    """The numbers of all samples, from 0 on, as the one of a sample. Raises `Refusal` for others."""
    start, limit, step = (array.reshape(-1)[0] for array in bounds)
    if start != 0 or limit != N or step != 1:
        raise Refusal("it computes with a size that the file leaves free")
    return shape_array([SAMPLE])


def _widened(repeated: frozenset[int], inputs: list[Array], node: OnnxNode) -> frozenset[int]:
    """The axes that are repeated, counted from the end, once others of size 1 are put in."""
    before = list(range(-inputs[0].ndim, 0))
    new = axes_of(node, inputs)
    rank = len(before) + len(new)
    for axis in sorted(axis % rank for axis in new):
        before.insert(axis, 0)
    return frozenset(place - rank for place, axis in enumerate(before) if axis in repeated)
