"""How much an import may compute: a file of a few bytes can ask for constants of any size."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np

from specgraph.importers.flat import Array, Refusal
from specgraph.importers.onnx_file import OnnxNode

FREE_BYTES = 2**27
FREE_PARAMETER_BYTES = 640 * 2**20
"""Weights may be constants that a file only describes: onnx's own VGG-19 is such a file."""
BYTES_PER_BYTE = 6
"""What is computed from weights that the file does hold: casts, transposed copies, products."""
BYTES_PER_ELEMENT = 8
_VIEWS = frozenset(
    ("Identity", "Shape", "Unsqueeze", "Squeeze", "Transpose", "Slice", "Constant", "ConstantOfShape", "Expand")
)
_OF_EACH = (
    *("Concat", "Cast", "Reshape", "Split", "Softmax", "LayerNormalization", "ScatterND", "GatherElements"),
    *("Clip", "Trilu", "CumSum", "NonZero"),
)


class Budget:
    """The bytes that one import may compute, over all its constants together."""

    def __init__(self, held: Iterable[Array]) -> None:
        more = BYTES_PER_BYTE * sum(array.nbytes for array in held)
        self.left = FREE_BYTES + more
        self.left_for_parameters = FREE_PARAMETER_BYTES + more

    def take(self, num_bytes: int) -> None:
        """Count bytes before they are computed. Raises `Refusal` where they are too many."""
        self.left = _after(self.left, num_bytes)

    def take_for(self, node: OnnxNode, inputs: list[Array]) -> None:
        """Count what folding a node takes. Raises `Refusal`, and ValueError for shapes that do not fit."""
        self.take(BYTES_PER_ELEMENT * _elements(node, inputs))

    def take_parameters(self, parameters: dict[str, Array] | None) -> None:
        """Count weights of a node. Raises `Refusal`."""
        self.take_parameter_bytes(sum(array.size * array.itemsize for array in (parameters or {}).values()))

    def take_parameter_bytes(self, num_bytes: int) -> None:
        """Count bytes of weights before they are made. Raises `Refusal`."""
        self.left_for_parameters = _after(self.left_for_parameters, num_bytes)


def _after(left: int, num_bytes: int) -> int:
    if num_bytes > left:
        raise Refusal(
            f"its constants would take {num_bytes / 2**20:,.0f} MiB more, which is too much for what the file holds"
        )
    return left - num_bytes


def _elements(node: OnnxNode, inputs: list[Array]) -> int:
    """How many elements folding a node reads or makes, about."""
    op = node.op_type
    if op in _VIEWS or not inputs:
        return 0
    if op == "Gather":
        axis = int(node.attributes.get("axis", 0))
        return int(inputs[1].size * (inputs[0].size // max(inputs[0].shape[axis], 1)))
    if op == "GatherND":
        return int(inputs[1].size // max(inputs[1].shape[-1], 1) * prod(inputs[0].shape[inputs[1].shape[-1] :]))
    if op == "Tile":
        return int(inputs[0].size * prod(int(count) for count in inputs[1]))
    if op == "Gemm":
        return int(inputs[0].size * max(inputs[1].shape))
    if op == "MatMul":
        rows, columns = inputs[0].shape[:-1], inputs[1].shape[-1:]
        return prod(rows) * prod(columns) * max(prod(inputs[1].shape[:-2]), 1)
    if op == "Range":
        start, limit, delta = (float(item.reshape(-1)[0]) for item in inputs)
        return max(0, int((limit - start) / delta) + 1)
    if op in _OF_EACH or op.startswith("Reduce"):
        return sum(array.size for array in inputs)
    return int(prod(np.broadcast_shapes(*(array.shape for array in inputs))))
