"""Who computes and who reads each value of an ONNX file, and what a pattern of its nodes is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from specgraph.importers.constants import fold
from specgraph.importers.flat import Array
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raiser import Raiser


class Index:
    """Who computes and who reads each value."""

    def __init__(self, raiser: Raiser) -> None:
        self.raiser = raiser
        self.position = {
            output: position for position, node in enumerate(raiser.file.nodes) for output in node.outputs if output
        }

    def producer(self, value: str) -> OnnxNode | None:
        position = self.position.get(value)
        return None if position is None else self.raiser.file.nodes[position]

    def number(self, value: str) -> float | None:
        """A constant of one element."""
        array = self.constant(value)
        if array is None or array.size != 1 or array.dtype.kind not in "fiub":
            return None
        return float(array.reshape(-1)[0])

    def constant(self, value: str) -> Array | None:
        """An initialiser, or what a Constant node holds."""
        node = self.producer(value)
        if value in self.raiser.constants or node is None or node.op_type != "Constant":
            return self.raiser.constants.get(value)
        folded = fold(node, [], self.raiser.opset, self.raiser.budget)
        return folded[0] if folded else None

    def closed(self, members: Iterable[OnnxNode], last: OnnxNode) -> bool:
        """Whether nothing outside reads what the group computes on its way."""
        inside = {id(member) for member in members}
        reads: dict[str, int] = {}
        for member in members:
            for value in member.inputs:
                reads[value] = reads.get(value, 0) + 1
        return all(
            self.raiser.reads[output] == reads.get(output, 0)
            for member in members
            if id(member) in inside and member is not last
            for output in member.outputs
        )

    def operands(self, node: OnnxNode, value: float | None = None) -> tuple[str, float] | None:
        """(other operand, number) of a binary node with a number, which must be `value` if given."""
        if len(node.inputs) != 2:
            return None
        for position in (0, 1):
            number = self.number(node.inputs[position])
            if number is not None and (value is None or abs(number - value) < 1e-4):
                return node.inputs[1 - position], number
        return None

    def step(self, value: str, op_type: str) -> OnnxNode | None:
        """The node that computes `value`, if it is of that op."""
        node = self.producer(value)
        return node if node is not None and node.op_type == op_type else None


Match = tuple[list[OnnxNode], OnnxNode]


class Pattern:
    """A group of nodes by the one whose value leaves it, which is of the op type `last`."""

    last = ""

    def match(self, index: Index, node: OnnxNode) -> Match | None:
        """The group's nodes and the one to put in their place, if `node` ends such a group."""
        raise NotImplementedError


def standin(node: OnnxNode, op_type: str, inputs: tuple[str, ...], attributes: dict[str, Any]) -> OnnxNode:
    """A node with the name and the outputs of another."""
    return node._replace(op_type=op_type, inputs=inputs, attributes=attributes, domain="")
