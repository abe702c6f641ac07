"""How an op becomes ONNX: a function from a node to calls of the builder, one file per family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from specgraph.backends.composed import INPUT, Name, Step, parse_composed
from specgraph.backends.onnx.builder import FLOAT, FLOAT16, Builder, pads
from specgraph.backends.onnx.empty_windows import check_windows
from specgraph.graph.model import Node
from specgraph.ops.registry import FAMILIES
from specgraph.ops.rows import NOTHING, ROWS, Attribute, Kind, Row
from specgraph.ops.sliding import window_of

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
        return by_expression(parse_composed(row.onnx), row.parameters, row.attributes)

    def lower(builder: Builder, node: Node) -> None:
        given = [builder.parameter(node, name) for name in row.parameters if builder.has_parameter(node, name)]
        attributes = {
            onnx_name: WRITE[attribute.kind](node.arguments[name])
            for name, attribute in row.attributes.items()
            for onnx_name in (attribute.name, *attribute.also)
        }
        builder.emit(node, row.onnx, [*builder.inputs(node), *given], **attributes)

    return lower


def by_expression(
    whole: Step, parameters: tuple[str, ...] = (), attributes: Mapping[str, Attribute] = NOTHING
) -> Lower:
    """The calls of an expression, from the inside out, equal ones once.

    A parameter of one axis stands along the node's `dim`, or along the channels; `attributes` are arguments that are
    not numbers. Reductions are computed in single precision, as sums of squares overflow in half. The lowering raises
    `Inexpressible` for a window of padding alone.
    """

    def lower(builder: Builder, node: Node) -> None:
        if any(step.op_type == "MaxPool" for step in whole.steps()):
            check_windows(node, window_of(node))
        (value,) = builder.inputs(node)
        counts: dict[str, int] = {}
        known: dict[Step, str] = {}

        def label(name: str) -> str:
            counts[name] = counts.get(name, 0) + 1
            return name if counts[name] == 1 else f"{name}{counts[name]}"

        def number(part: Name | float) -> float:
            return float(node.arguments[part.name] if isinstance(part, Name) else part)

        def stated(step: Step) -> dict[str, Any]:
            found = {}
            for name, part in step.attributes:
                if isinstance(part, Name) and part.name in attributes:
                    found[name] = WRITE[attributes[part.name].kind](node.arguments[part.name])
                else:
                    found[name] = part if isinstance(part, int) else number(part)
            return found

        def operand(part: Step | Name | float) -> str:
            if isinstance(part, Step):
                if part not in known:
                    known[part] = reduction(part) if part.reduces else call(part)
                return known[part]
            if part == Name(INPUT):
                return value
            if isinstance(part, Name) and part.name in parameters:
                return _along(builder, node, part.name)
            return builder.floats(node, label(part.name if isinstance(part, Name) else "number"), number(part))

        def call(step: Step) -> str:
            inputs = [operand(inner) for inner in step.inputs]
            return builder.step(node, label(step.op_type.lower()), step.op_type, inputs, **stated(step))

        def reduction(step: Step) -> str:
            (source,), ((_, axes),) = step.inputs, step.attributes
            read = operand(source)
            wide = builder.step(node, label("float"), "Cast", [read], to=FLOAT) if builder.half else read
            reduced = reduce_axes(builder, node, step.op_type, wide, _axes(node, axes), label(step.op_type.lower()))
            return builder.step(node, label("half"), "Cast", [reduced], to=FLOAT16) if builder.half else reduced

        if whole.reduces:
            builder.emit(node, "Identity", [reduction(whole)])
            return
        inputs = [operand(part) for part in whole.inputs]
        builder.emit(node, whole.op_type, inputs, **stated(whole))

    return lower


def reduce_axes(builder: Builder, node: Node, op_type: str, value: str, axes: list[int], label: str) -> str:
    """A reduction that keeps the axes with size 1, in the form the opset has."""
    since = 13 if op_type == "ReduceSum" else 18
    if builder.opset >= since:
        inputs = [value, builder.integers(node, f"{label}/axes", axes)]
        return builder.step(node, label, op_type, inputs, keepdims=1)
    return builder.step(node, label, op_type, [value], axes=axes, keepdims=1)


def _axes(node: Node, part: Name | float) -> list[int]:
    """The axes of a reduction, counted with the batch."""
    name = part.name if isinstance(part, Name) else ""
    if name == "space":
        return list(range(2, node.input_types[0].rank + 1))
    return [1] if name == "channels" else [int(node.arguments[name])]


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
