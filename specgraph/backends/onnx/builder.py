"""What op lowerings write to: ONNX nodes, initialisers and the names of values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from specgraph.backends.onnx.weights import Weights
from specgraph.graph.dims import Dim, SymbolicDim
from specgraph.graph.model import Graph, Node
from specgraph.graph.types import TensorType
from specgraph.ops.registry import behaviour_of

Array = NDArray[Any]
Attribute = int | float | str | Sequence[int] | Sequence[float] | Array

FLOAT, UINT8, INT64, FLOAT16, DOUBLE = 1, 2, 7, 10, 11
"""ONNX element types."""


class Inexpressible(Exception):
    """ONNX, or the chosen opset, cannot say what a node does."""

    def __init__(self, message: str, help: str | None = None, rule: str = "inexpressible-in-onnx") -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.rule = rule


class Builder:
    """An ONNX graph under construction from a typed graph.

    Values are named after the paths of the nodes that compute them, graph outputs after the
    outputs; parameters after the keys of the `state_dict`. Names of auxiliary nodes and values have
    a slash (`pool/pad`), which no path of a spec can have.
    """

    def __init__(
        self,
        graph: Graph,
        weights: Weights,
        opset: int,
        *,
        half: bool = False,
        composed_lrn: bool = False,
        output_suffix: str = "",
    ) -> None:
        self.graph = graph
        self.weights = weights
        self.opset = opset
        self.half = half
        self.composed_lrn = composed_lrn
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: dict[str, Array] = {}
        self.value_types: dict[str, TensorType] = {}
        self.scopes: dict[str, str] = {}
        self.held: dict[str, str] = {}
        """Initialisers that are the values of nodes, with the nodes' paths."""
        self.disguised: set[str] = set()
        """Paths of nodes whose ONNX nodes are those of another op, even if there is only one."""
        self._values: dict[str, str] = {name: name for name in graph.inputs}
        self._taken: set[str] = set(graph.inputs)
        self._parameters: dict[str, str] = {}
        self._reserve_outputs(output_suffix)

    def _reserve_outputs(self, suffix: str) -> None:
        """Give values that are graph outputs the outputs' names; find outputs that need a copy."""
        self.outputs: dict[str, str] = {}
        self._output_of: dict[str, str] = {}
        self.copies: dict[str, str] = {}
        for name, path in self.graph.inference_outputs().items():
            source = self.source(path)
            value = name + suffix
            self._taken.add(value)
            self.outputs[name] = value
            if source in self.graph.inputs or source in self._output_of:
                self.copies[value] = source
            else:
                self._output_of[source] = value

    def source(self, path: str) -> str:
        """The node or input whose value a path has once nodes that do nothing are gone."""
        nodes = self.graph.nodes
        while path in nodes and behaviour_of(nodes[path].op).is_idle and nodes[path].inputs:
            path = nodes[path].inputs[0]
        return path

    def value(self, path: str) -> str:
        """Name of the value computed at a path."""
        return self._values[self.source(path)]

    def rename_input(self, name: str, value: str) -> None:
        """Let what reads graph input `name` read `value` instead."""
        self._values[name] = value

    def give_up(self, node: Node) -> None:
        """Give a node that could not be lowered a value all the same, so that the rest is looked at."""
        self._values.setdefault(node.path, node.path)

    def inputs(self, node: Node) -> list[str]:
        """Names of the values a node reads."""
        return [self.value(path) for path in node.inputs]

    def emit(self, node: Node, op_type: str, inputs: Iterable[str] = (), **attributes: Attribute) -> None:
        """Add the ONNX node that computes `node`'s output; with no inputs given, from its own."""
        value = self._output_of.get(node.path) or self._free_name(node.path)
        self._values[node.path] = value
        self.value_types[value] = node.output
        self._add(op_type, tuple(inputs) or self.inputs(node), value, node.path, node.path, attributes)

    def hold(self, node: Node, value: str) -> None:
        """Let what reads a node read an initialiser."""
        self._values[node.path] = value
        self.held[value] = node.path

    def step(self, node: Node, label: str, op_type: str, inputs: Iterable[str], **attributes: Attribute) -> str:
        """Add an auxiliary ONNX node on the way to `node`'s output; the name of its value."""
        value = f"{node.path}/{label}"
        self._add(op_type, tuple(inputs), value, value, node.path, attributes)
        return value

    def steps(
        self, node: Node, labels: Sequence[str], op_type: str, inputs: Iterable[str], **attributes: Attribute
    ) -> list[str]:
        """An auxiliary ONNX node with several outputs, one a label, named after the first; the names of its values."""
        first = self.step(node, labels[0], op_type, inputs, **attributes)
        values = [first, *(f"{node.path}/{label}" for label in labels[1:])]
        self.nodes[-1].output.extend(values[1:])
        return values

    def raw(self, op_type: str, inputs: Iterable[str], output: str, **attributes: Attribute) -> str:
        """Add an ONNX node that belongs to no node of the spec; the name of its value."""
        self._taken.add(output)
        name = f"{output}/copy" if output in self.graph.nodes else output  # ONNX nodes have the spec's names
        self._add(op_type, tuple(inputs), output, name, "", attributes)
        return output

    def _add(
        self,
        op_type: str,
        inputs: Sequence[str],
        output: str,
        name: str,
        path: str,
        attributes: dict[str, Any],
    ) -> None:
        proto = onnx.NodeProto()
        proto.op_type = op_type
        proto.name = name
        proto.input.extend(inputs)
        proto.output.append(output)
        for key, value in attributes.items():
            _set_attribute(proto.attribute.add(), key, value)
        if path:
            self.scopes[name] = path
        self.nodes.append(proto)

    def has_parameter(self, node: Node, name: str) -> bool:
        """Whether a node has a parameter of that name."""
        return any(parameter.name == name for parameter in node.parameters)

    def parameter(self, node: Node, name: str, change: Callable[[Array], Array] | None = None, label: str = "") -> str:
        """Initialiser with one of a node's parameters, named after its key in the `state_dict`, unless an input or an
        output has that name.

        `change` rearranges it; where sharing nodes need it both ways, `label` tells them apart.
        """
        owner = node.share or node.path
        key = f"{owner}.{name}" if name else owner
        wanted = f"{key}/{label}" if label else key
        if wanted not in self._parameters:
            array = self._float(self.weights.array(node, name), wanted)
            free = wanted if wanted not in self._taken else f"{wanted}/parameter"
            self.initialisers[free] = change(array) if change else array
            self._parameters[wanted] = free
            self._taken.add(free)
        return self._parameters[wanted]

    def stacked(self, node: Node, names: Sequence[str], change: Callable[[Array], Array], label: str) -> str:
        """Initialiser with several of a node's parameters, changed, along a new first axis; named after the first."""

        def stack(array: Array) -> Array:
            others = [self._float(self.weights.array(node, name), name) for name in names[1:]]
            return np.stack([change(each) for each in (array, *others)])

        return self.parameter(node, names[0], stack, label)

    def floats(self, node: Node, label: str, values: Any) -> str:
        """Initialiser with floating-point constants."""
        return self.constant(f"{node.path}/{label}", self._float(np.asarray(values, np.float32), node.path))

    def wide_floats(self, node: Node, label: str, values: Any) -> str:
        """Initialiser with constants that stay in float32."""
        return self.constant(f"{node.path}/{label}", np.asarray(values, np.float32))

    def integers(self, node: Node, label: str, values: Sequence[int]) -> str:
        """Initialiser with 64-bit integers (a vector)."""
        return self.constant(f"{node.path}/{label}", np.asarray(values, np.int64))

    def constant(self, name: str, array: Array) -> str:
        """Initialiser with any constant."""
        self.initialisers[name] = array
        return name

    def _float(self, array: Array, name: str) -> Array:
        if not self.half or array.dtype != np.float32:
            return array
        finite = np.isfinite(array)
        if (np.abs(array[finite]) > 65504).any():
            raise Inexpressible(
                f"`{name}` holds values beyond 65504, the largest half-precision number",
                "export without --fp16",
                rule="half-precision-overflow",
            )
        return array.astype(np.float16)

    def _free_name(self, name: str) -> str:
        free = name
        while free in self._taken:
            free += "/output"
        self._taken.add(free)
        return free


def _set_attribute(proto: onnx.AttributeProto, name: str, value: Any) -> None:
    proto.name = name
    if isinstance(value, (bool, int)):
        proto.type = onnx.AttributeProto.INT
        proto.i = int(value)
    elif isinstance(value, float):
        proto.type = onnx.AttributeProto.FLOAT
        proto.f = value
    elif isinstance(value, str):
        proto.type = onnx.AttributeProto.STRING
        proto.s = value.encode()
    elif any(isinstance(item, float) for item in value):
        proto.type = onnx.AttributeProto.FLOATS
        proto.floats.extend(value)
    else:
        proto.type = onnx.AttributeProto.INTS
        proto.ints.extend(value)


def pads(pairs: Iterable[tuple[int, int]]) -> list[int]:
    """(before, after) pairs in ONNX's order: all befores, then all afters."""
    listed = list(pairs)
    return [before for before, _ in listed] + [after for _, after in listed]


def known(dims: Iterable[Dim]) -> bool:
    """Whether every size is a number."""
    return not any(isinstance(dim, SymbolicDim) for dim in dims)


def numbers(dims: Iterable[Dim]) -> tuple[int, ...]:
    """Sizes that are known to be numbers."""
    sizes = tuple(dims)
    assert known(sizes)
    return sizes  # type: ignore[return-value]
