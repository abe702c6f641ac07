"""A network being imported: nodes in order, with shapes inferred as they are added.

Every importer writes to a `FlatNetwork`; naming, blocks and text come after it. Arguments are
checked by the ops' own definitions, so what is added here is a sound spec by construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specgraph.graph.liveness import live
from specgraph.graph.types import TensorType, image_type
from specgraph.importers.naming import Namer, numbered
from specgraph.kinds.invalid import Invalid
from specgraph.kinds.kinds import Either, Kind, ListOf
from specgraph.ops.definition import Op
from specgraph.ops.fault import Fault
from specgraph.ops.infer import Inferred, infer
from specgraph.ops.registry import ops

Array = NDArray[Any]
MAX_INPUT_RANK = 4
NO_COUNTERPART = "{op} has no counterpart in a spec"


LISTS = ("shape", "dims", "axes", "channels", "dim", "shifts", "sizes", "value")
"""Arguments that are lists by nature."""


class Refusal(Exception):
    """Something cannot be said in a spec. `node` is what the source calls it."""

    def __init__(self, message: str, node: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.node = node


@dataclass(slots=True)
class FlatNode:
    """One node: arguments as a user would write them, parameters by PyTorch's names. `provisional` is what the source
    calls a node that a spec does not have, which `tidy` must find to be part of an op."""

    path: str
    op: str
    arguments: dict[str, Any]
    inputs: list[str]
    parameters: dict[str, Array]
    output: TensorType
    share: str | None = None
    provisional: str | None = None


@dataclass(slots=True)
class FlatNetwork:
    """A network without blocks. `notes` are what the user should know of the import; `without_batch`: the
    source's tensors are single samples, without the batch axis."""

    name: str
    inputs: dict[str, TensorType] = field(default_factory=dict)
    nodes: dict[str, FlatNode] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    without_batch: bool = False
    as_written: bool = False
    """Whether its nodes are those of a spec already, which stay as they are."""
    regrouped: set[str] = field(default_factory=set)
    """Names, without their numbers, of nodes that were written as other ops."""
    namer: Namer = field(default_factory=Namer)

    def add_input(self, hint: str, dims: Sequence[Any]) -> str:
        """A graph input with these sizes (without the batch axis). Raises `Refusal`."""
        if not 1 <= len(dims) <= MAX_INPUT_RANK:
            raise Refusal(f"input `{hint}` has {len(dims)} axes without the batch axis; a spec's have 1 to 4")
        name = self.namer.path([hint], "input", top_level=True)
        self.inputs[name] = image_type(tuple(dims))
        return name

    def type_of(self, path: str) -> TensorType:
        """Type of a node's or an input's value."""
        node = self.nodes.get(path)
        return node.output if node else self.inputs[path]

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        arguments: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Array] | None = None,
        hints: Sequence[str] = (),
    ) -> str:
        """Add a node; its path. Raises `Refusal` where the op does not take that."""
        definition = ops()[op]
        stated = dict(arguments or {})
        try:
            found = self._infer(definition, stated, inputs)
        except Fault as fault:
            words = fault.words
            notes = f" ({'; '.join(words.notes)})" if words.notes else ""
            raise Refusal(words.of_it + notes) from fault
        given = dict(parameters or {})
        for parameter in found.parameters:
            if parameter.name not in given:
                if parameter.dtype != "int64" or parameter.shape:  # a counter of batches starts at 0
                    raise Refusal(f"its parameter `{parameter.name or op}` is missing")
                given[parameter.name] = np.zeros(parameter.shape, np.int64)
            elif given[parameter.name].shape != parameter.shape:
                raise Refusal(
                    f"its `{parameter.name or op}` is {_shape(given[parameter.name].shape)}, not "
                    f"{_shape(parameter.shape)}"
                )
        path = self.namer.path(hints, op)
        self.nodes[path] = FlatNode(path, op, _without_defaults(definition, stated), list(inputs), given, found.output)
        return path

    def _infer(self, definition: Op, stated: dict[str, Any], inputs: Sequence[str]) -> Inferred:
        """What an op makes of these values. Raises `Fault`, or `Refusal` for an argument that is none."""
        types = tuple(self.type_of(path) for path in inputs)
        names = tuple(f"`{path}`" for path in inputs)
        return infer(definition, types, _checked(definition, stated), names=names, stated=frozenset(stated))

    def add_provisional(self, op: str, inputs: Sequence[str], value: Any, label: str, hints: Sequence[str] = ()) -> str:
        """Add a node of an op that a spec does not have, in the hope that `tidy` finds it to be part of
        one that it does have. `value` is its constant, `label` what the source calls it."""
        path = self.namer.path(hints, op)
        output = self.type_of(inputs[0])
        self.nodes[path] = FlatNode(path, op, {"value": value}, list(inputs), {}, output, provisional=label)
        return path

    def left_over(self) -> list[Refusal]:
        """The provisional nodes that are part of no op."""
        return [
            Refusal(NO_COUNTERPART.format(op=node.op), node.provisional)
            for node in self.nodes.values()
            if node.provisional is not None
        ]

    def readers(self) -> dict[str, list[str]]:
        """For every node and input, the nodes that read it."""
        found: dict[str, list[str]] = {path: [] for path in (*self.inputs, *self.nodes)}
        for node in self.nodes.values():
            for source in node.inputs:
                found[source].append(node.path)
        return found

    def replace(self, path: str, op: str, arguments: Mapping[str, Any], parameters: Mapping[str, Array]) -> None:
        """Have another op compute a value of the same size, from the same inputs."""
        node = self.nodes[path]
        definition = ops()[op]
        stated = dict(arguments)
        node.output = self._infer(definition, stated, node.inputs).output
        node.op, node.arguments, node.parameters = op, _without_defaults(definition, stated), dict(parameters)

    def remove(self, path: str) -> FlatNode:
        """Take a node away that nothing reads; its name is free again."""
        self.namer.release(path)
        return self.nodes.pop(path)

    def rename(self, path: str, wanted: str) -> None:
        """Give a node another name, or one like it."""
        self.namer.release(path)
        new = self.namer.path([*numbered(wanted), path], self.nodes[path].op)
        rebuilt = {}
        for node in self.nodes.values():
            node.path = new if node.path == path else node.path
            node.inputs = [new if source == path else source for source in node.inputs]
            node.share = new if node.share == path else node.share
            rebuilt[node.path] = node
        self.nodes.clear()
        self.nodes.update(rebuilt)
        self.outputs.update({name: new for name, found in self.outputs.items() if found == path})

    def drop_unread(self) -> None:
        """Take away nodes that no output depends on; what they shared goes to the first that shared it."""
        needed = live(self.nodes, lambda path: self.nodes[path].inputs, self.outputs.values())
        for path in [path for path in self.nodes if path not in needed]:
            self.remove(path)
        heirs: dict[str, str] = {}
        for path, node in self.nodes.items():
            if node.share is not None and node.share not in self.nodes:
                heir = heirs.setdefault(node.share, path)
                node.share = heir if heir != path else None

    def state_dict(self) -> dict[str, Array]:
        """All parameters by their keys."""
        return {
            f"{node.path}.{name}" if name else node.path: array
            for node in self.nodes.values()
            if node.share is None
            for name, array in node.parameters.items()
        }


def _checked(definition: Op, stated: dict[str, Any]) -> dict[str, Any]:
    full: dict[str, Any] = {}
    for name, argument in definition.arguments.items():
        if name in stated:
            try:
                full[name] = argument.kind.check(stated[name])
            except Invalid as fault:
                raise Refusal(f"`{name}` {fault.message}") from fault
        else:
            full[name] = argument.default
    return full


def _without_defaults(definition: Op, stated: dict[str, Any]) -> dict[str, Any]:
    """The arguments that differ from the op's own defaults, lists of equal numbers as one number."""
    kept: dict[str, Any] = {}
    for name, value in stated.items():
        argument = definition.arguments[name]
        simple = value if name in LISTS or _is_list(argument.kind) else simplified(value)
        if argument.required or simple != argument.default:
            kept[name] = simple
    return kept


def _is_list(kind: Kind) -> bool:
    """Whether one number is not short for a list of equal ones."""
    return any(isinstance(each, ListOf) for each in (kind.kinds if isinstance(kind, Either) else (kind,)))


def simplified(value: Any) -> Any:
    """A per-axis value as shortly as it can be written: `[3, 3]` is 3, `[[1, 1], [1, 1]]` is 1."""
    if isinstance(value, (list, tuple)) and value:
        items = [simplified(item) for item in value]
        same = all(item == items[0] and isinstance(item, type(items[0])) for item in items)
        if same and not isinstance(items[0], list):
            return items[0]
        return items
    return value


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a scalar"
