"""How an op becomes ONNX: a function from a node to calls of the builder, one file per family."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from specgraph.backends.composed import INPUT, Name, Step, parse_composed
from specgraph.backends.onnx.builder import Builder, pads
from specgraph.graph.model import Node
from specgraph.ops.registry import FAMILIES
from specgraph.ops.rows import ROWS, Kind, Row

Lower = Callable[[Builder, Node], None]
_lowerings: dict[str, Lower] = {}


WRITE: dict[Kind, Callable[[Any], Any]] = {
    "number": float,
    "whole": int,
    "flag": int,
    "text": str,
    "axis": int,
    "window": list,
    "pads": pads,
}


def by_row(row: Row) -> Lower:
    """The ONNX op of the row, with its attributes and parameters."""

    if row.is_composed:
        return by_expression(parse_composed(row.onnx), row.parameters)

    def lower(builder: Builder, node: Node) -> None:
        given = [builder.parameter(node, name) for name in row.parameters if builder.has_parameter(node, name)]
        attributes = {
            onnx_name: WRITE[attribute.kind](node.arguments[name])
            for name, attribute in row.attributes.items()
            for onnx_name in (attribute.name, *attribute.also)
        }
        builder.emit(node, row.onnx, [*builder.inputs(node), *given], **attributes)

    return lower


def by_expression(whole: Step, parameters: tuple[str, ...] = ()) -> Lower:
    """The calls of an expression, from the inside out. A parameter of one axis stands along the node's `dim`, or along
    the channels."""

    def lower(builder: Builder, node: Node) -> None:
        (value,) = builder.inputs(node)
        counts: dict[str, int] = {}

        def label(name: str) -> str:
            counts[name] = counts.get(name, 0) + 1
            return name if counts[name] == 1 else f"{name}{counts[name]}"

        def number(part: Name | float) -> float:
            return float(node.arguments[part.name] if isinstance(part, Name) else part)

        def operand(part: Step | Name | float) -> str:
            if isinstance(part, Step):
                inputs = [operand(inner) for inner in part.inputs]
                attributes = {name: number(inner) for name, inner in part.attributes}
                return builder.step(node, label(part.op_type.lower()), part.op_type, inputs, **attributes)
            if part == Name(INPUT):
                return value
            if isinstance(part, Name) and part.name in parameters:
                return _along(builder, node, part.name)
            return builder.floats(node, label(part.name if isinstance(part, Name) else "number"), number(part))

        inputs = [operand(part) for part in whole.inputs]
        builder.emit(node, whole.op_type, inputs, **{name: number(part) for name, part in whole.attributes})

    return lower


def _along(builder: Builder, node: Node, name: str) -> str:
    """A parameter, of one axis or as it is, with an axis of 1 for each one after its own."""
    after = node.input_types[0].rank - int(node.arguments.get("dim", 1))
    shape = next(parameter.shape for parameter in node.parameters if parameter.name == name)
    if len(shape) != 1 or after == 0:
        return builder.parameter(node, name)
    return builder.parameter(node, name, lambda array: array.reshape(-1, *(1,) * after), "column")


def lowerings() -> dict[str, Lower]:
    """The lowering of every op, by op name: of its row, or in the dict `LOWERINGS` of its family's file, which wins."""
    if not _lowerings:
        _lowerings.update((row.op, by_row(row)) for row in ROWS if row.onnx)
        for family in FAMILIES:
            _lowerings.update(import_module(f"specgraph.backends.onnx.{family}").LOWERINGS)
    return _lowerings
