"""Finds the expressions of rows (`backends/composed.py`) among the nodes of an ONNX file."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose
from typing import Any

from specgraph.backends.composed import COMMUTATIVE, INPUT, Name, Step, parse_composed
from specgraph.importers.group_index import Index, Match, Pattern, standin
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raise_layers import rounded
from specgraph.ops.rows import Row, rows

COMPOSED = "SpecgraphComposed"
"""The op type of a node that stands for a group: its attributes say which op of a spec it is."""
Operand = Step | Name | float
Bound = dict[str, Any]
"""What the input of an expression and its arguments stand for."""


class OfRow(Pattern):
    """The expression of a row."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.whole = parse_composed(row.onnx)
        self.last = self.whole.op_type

    def match(self, index: Index, node: OnnxNode) -> Match | None:
        for bound, members in self._step(index, self.whole, node, {}):
            given = {name: value for name, value in bound.items() if name != INPUT}
            attributes = {"op": self.row.op, "arguments": given, "num_data": 1}
            return members, standin(node, COMPOSED, (str(bound[INPUT]),), attributes)
        return None

    def _step(self, index: Index, step: Step, node: OnnxNode, bound: Bound) -> Iterator[tuple[Bound, list[OnnxNode]]]:
        """What names stand for, and the nodes of the file, for each way in which a node computes a step."""
        if node.op_type != step.op_type or len(node.inputs) != len(step.inputs) or node.domain not in ("", "ai.onnx"):
            return
        numbers = bound
        for name, wanted in step.attributes:
            known = self._number(wanted, node.attributes.get(name), numbers)
            if known is None:
                return
            numbers = known
        if node.attributes.keys() - dict(step.attributes):
            return
        orders = [node.inputs, node.inputs[::-1]] if step.op_type in COMMUTATIVE else [node.inputs]
        for inputs in orders:
            yield from self._operands(index, step.inputs, inputs, numbers, [node])

    def _operands(
        self, index: Index, parts: tuple[Operand, ...], values: tuple[str, ...], bound: Bound, members: list[OnnxNode]
    ) -> Iterator[tuple[Bound, list[OnnxNode]]]:
        if not parts:
            yield bound, members
            return
        part, value = parts[0], values[0]
        if isinstance(part, Step):
            inner = index.step(value, part.op_type)
            for found, more in self._step(index, part, inner, bound) if inner is not None else ():
                yield from self._operands(index, parts[1:], values[1:], found, [*members, *more])
        elif part == Name(INPUT):
            if bound.get(INPUT, value) == value and index.constant(value) is None:
                yield from self._operands(index, parts[1:], values[1:], {**bound, INPUT: value}, members)
        else:
            known = self._number(part, index.number(value), bound)
            if known is not None:
                yield from self._operands(index, parts[1:], values[1:], known, members)

    @staticmethod
    def _number(part: Name | float, value: Any, bound: Bound) -> Bound | None:
        """What names stand for if `value` is what a part says; None if it is not."""
        if not isinstance(value, int | float):
            return None
        wanted = bound.get(part.name, value) if isinstance(part, Name) else part
        if not isclose(wanted, value, rel_tol=1e-6):
            return None
        return {**bound, part.name: rounded(wanted)} if isinstance(part, Name) else bound


def is_searched(row: Row) -> bool:
    """Whether files are searched for a row's expression. Constants that a file multiplies by may be parameters of many
    ops, the axes of a reduction depend on the rank, which is not known yet, and attributes are not numbers."""
    return (
        not row.parameters and not row.attributes and not any(step.reduces for step in parse_composed(row.onnx).steps())
    )


def patterns_of_rows() -> list[OfRow]:
    """Patterns of the rows that are expressions, those of most calls first."""
    composed = [row for row in rows().values() if row.is_composed and is_searched(row)]
    return [OfRow(row) for row in sorted(composed, key=lambda row: -row.onnx.count("("))]
