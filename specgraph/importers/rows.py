"""How ops are read back by their rows: from nodes of ONNX files, and from calls of traced modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specgraph.graph.types import SPATIAL_AXES
from specgraph.importers.flat import Array, Refusal
from specgraph.importers.onnx_file import OnnxNode
from specgraph.importers.raise_layers import rounded
from specgraph.importers.raiser import Raise, Raiser
from specgraph.kinds.kinds import Padding, PerAxis
from specgraph.ops.registry import ops
from specgraph.ops.rows import Attribute, Row, rows

if TYPE_CHECKING:
    from specgraph.importers.torch_tracer import Handler, Tracer


WITHOUT_MEANING = frozenset({"consumed_inputs"})
"""Attributes of the first opsets that say nothing of a result."""


def onnx_handlers() -> dict[str, Raise]:
    """How ONNX op types that rows name become nodes of a spec."""
    by_type: dict[str, list[Row]] = {}
    for row in rows().values():
        if row.onnx and not row.is_composed:
            by_type.setdefault(row.onnx, []).append(row)
    return {op_type: _raised(alike) for op_type, alike in by_type.items()}


def _misfit(row: Row, node: OnnxNode) -> str:
    """What an ONNX node says that the row does not; empty where the row fits."""
    said = {name for attribute in row.attributes.values() for name in (attribute.name, *attribute.also)}
    for name, value in node.attributes.items():
        if name in row.fixed:
            if value != row.fixed[name]:
                return f"`{name}` of {value}"
        elif name not in said and name not in WITHOUT_MEANING:
            return f"`{name}`"
    for attribute in row.attributes.values():
        value = node.attributes.get(attribute.name, attribute.default)
        for name in attribute.also:
            if node.attributes.get(name) != value:
                return f"`{name}` other than `{attribute.name}`"
    return ""


def _raised(alike: list[Row]) -> Raise:
    def handler(raiser: Raiser, node: OnnxNode) -> None:
        row = next((row for row in alike if not _misfit(row, node)), None)
        if row is None:
            raise Refusal(f"{node.op_type} with {_misfit(alike[0], node)} has no counterpart in a spec")
        path = raiser.data(node)
        arguments = {}
        for name, attribute in row.attributes.items():
            value = node.attributes.get(attribute.name, attribute.default)
            if value is not None:
                arguments[name] = _read(raiser, path, attribute, value)
        places = {
            name: index for index, name in enumerate(row.parameters, 1) if raiser.constant(node, index) is not None
        }
        parameters = {name: raiser.floats(node, index) for name, index in places.items()}
        arguments |= _implied_by(row, parameters)
        raiser.add(node, row.op, [path], arguments, parameters, weight=node.inputs[1] if parameters else "")

    return handler


def _read(raiser: Raiser, path: str, attribute: Attribute, value: Any) -> Any:
    if attribute.kind == "number":
        return rounded(value)
    if attribute.kind == "axis":
        return raiser.axis(int(value), raiser.rank(path))
    if attribute.kind == "flag":
        return bool(value)
    if attribute.kind == "pads":
        return [list(pair) for pair in zip(value[: len(value) // 2], value[len(value) // 2 :], strict=True)]
    if attribute.kind == "window":
        return list(value) if isinstance(value, list | tuple) else [value] * (raiser.rank(path) - 2)
    return value


def _implied_by(row: Row, parameters: dict[str, Array]) -> dict[str, Any]:
    """The arguments that the parameters tell: sizes, and whether there is a parameter of the argument's name."""
    known = ops()[row.op].arguments
    present = {name: name in parameters for name in row.parameters if name in known}
    return present | {name: int(parameters[of].shape[axis]) for name, (of, axis) in row.sizes.items()}


def traced_handlers() -> dict[str, Handler]:
    """How traced calls that rows name become nodes of a spec, those that work in place too."""
    found: dict[str, Handler] = {}
    for row in rows().values():
        for rank in SPATIAL_AXES if "{rank}" in row.call else (0,):
            if row.call:
                name = row.call.format(rank=rank)
                found[name] = found[f"{name}_"] = _traced(row)
    return found


def _traced(row: Row) -> Handler:
    def handler(tracer: Tracer, node: Any) -> str:
        from specgraph.importers.torch_arguments import CallArguments, spread

        given = CallArguments(node)
        path = tracer.data(given.get("self", given.get("input")))
        rank = tracer.net.type_of(path).rank
        arguments: dict[str, Any] = {}
        for name, argument in ops()[row.op].arguments.items():
            value = given.get(name)
            if value is None or name in row.parameters:
                continue
            if isinstance(argument.kind, PerAxis | Padding):
                value = spread(value, rank - 1)
            elif name in row.attributes and row.attributes[name].kind == "axis":
                value %= rank + 1
                if value == 0:
                    raise Refusal("it acts on the batch axis, which a spec never touches")
            arguments[name] = value
        traced = {name: given.get(name) for name in row.parameters}
        arrays = {name: tracer.array(value) for name, value in traced.items() if value is not None}
        return tracer.add(node, row.op, [path], arguments | _implied_by(row, arrays), traced)

    return handler
