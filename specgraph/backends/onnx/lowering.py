"""How an op becomes ONNX: a function from a node to calls of the builder, one file per family."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from specgraph.backends.onnx.builder import Builder, pads
from specgraph.backends.rows import ROWS, Kind, Row
from specgraph.graph.model import Node
from specgraph.ops.registry import FAMILIES

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

    def lower(builder: Builder, node: Node) -> None:
        given = [builder.parameter(node, name) for name in row.parameters if builder.has_parameter(node, name)]
        attributes = {
            onnx_name: WRITE[attribute.kind](node.arguments[name])
            for name, attribute in row.attributes.items()
            for onnx_name in (attribute.name, *attribute.also)
        }
        builder.emit(node, row.onnx, [*builder.inputs(node), *given], **attributes)

    return lower


def lowerings() -> dict[str, Lower]:
    """The lowering of every op, by op name: of its row, or in the dict `LOWERINGS` of its family's file, which wins."""
    if not _lowerings:
        _lowerings.update((row.op, by_row(row)) for row in ROWS if row.onnx)
        for family in FAMILIES:
            _lowerings.update(import_module(f"specgraph.backends.onnx.{family}").LOWERINGS)
    return _lowerings
