"""What ONNX says in several nodes, as an expression: `Neg(Softplus(Neg(x)))`.

A call is an ONNX op, `x` the input of the node, a number or the name of an argument a constant, a keyword an
attribute. One expression serves the export, which emits its calls from the inside out, and the import, which looks for
the same calls in a file, with the operands of commutative ops in either order.

A reduction keeps its axes with size 1. Its keyword `axes` is `space` (all after the channels), `channels`, or the
argument of the op that names an axis: `Div(x, ReduceL2(x, axes=space))`. Files are not searched for those.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

COMMUTATIVE = frozenset({"Add", "Mul", "Max", "Min", "And", "Or", "Equal"})
INPUT = "x"


class Name(NamedTuple):
    """The input, or an argument of the op."""

    name: str


class Step(NamedTuple):
    """An ONNX op with its inputs, and attributes that are numbers or names of arguments."""

    op_type: str
    inputs: tuple[Step | Name | float, ...]
    attributes: tuple[tuple[str, Name | float], ...] = ()

    @property
    def reduces(self) -> bool:
        """Whether the op is a reduction."""
        return self.op_type.startswith("Reduce")

    def steps(self) -> Iterator[Step]:
        """The calls, from the outside in."""
        yield self
        for part in self.inputs:
            if isinstance(part, Step):
                yield from part.steps()


@cache
def parse_composed(text: str) -> Step:
    """The expression of a row. Raises ValueError for anything but calls, names and numbers."""
    step = _parsed(ast.parse(text, mode="eval").body)
    if not isinstance(step, Step):
        raise ValueError(f"`{text}` is no call")
    return step


def _attribute(tree: ast.expr) -> Step | Name | float:
    """The value of a keyword; a whole number without a point is an integer, as ONNX tells them apart."""
    match tree:
        case ast.Constant(value) if type(value) is int:
            return value
    return _parsed(tree)


def _parsed(tree: ast.expr) -> Step | Name | float:
    match tree:
        case ast.Name(name):
            return Name(name)
        case ast.Constant(int() | float() as value):
            return float(value)
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as value)):
            return -float(value)
        case ast.Call(ast.Name(op_type), inputs, keywords):
            attributes = []
            for keyword in keywords:
                part = _attribute(keyword.value)
                if keyword.arg is None or isinstance(part, Step):
                    raise ValueError(f"an attribute of {op_type} is no number and no argument")
                attributes.append((keyword.arg, part))
            step = Step(op_type, tuple(map(_parsed, inputs)), tuple(attributes))
            if step.reduces and (len(inputs) != 1 or [name for name, _ in attributes] != ["axes"]):
                raise ValueError(f"{op_type} takes one value and axes=space, axes=channels or an argument")
            return step
    raise ValueError(f"`{ast.unparse(tree)}` is no call, name or number")
