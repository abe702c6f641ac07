"""From an ONNX graph to a flat network: values, axes, and the walk over the nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from specgraph.graph.dims import Dim, N, SymbolicDim, symbol
from specgraph.graph.types import TensorType
from specgraph.importers.constants import has_symbols, shape_array
from specgraph.importers.flat import Array, FlatNetwork, Refusal
from specgraph.importers.folding import Folder
from specgraph.importers.naming import clean, folders, numbered, owner_of
from specgraph.importers.onnx_file import OnnxBranch, OnnxFile, OnnxInput, OnnxNode
from specgraph.importers.placed import IN_FRONT, Placed

Raise = Callable[["Raiser", OnnxNode], None]

INTEGER_KINDS = "iub"
RENAMING = frozenset(("Expand", "Identity", "Cast", "Reshape", "Unsqueeze", "Squeeze", "Transpose"))
"""Ops whose constant results are called as what they are made of."""


class Held(NamedTuple):
    """An initialiser that our own export wrote for a node: its path, op and arguments, the numbers, and the values
    that it reads, of which it takes only the sizes."""

    path: str
    op: str
    arguments: dict[str, Any]
    array: Array
    inputs: tuple[str, ...]


class Raiser:
    """Turns the nodes of a file into nodes of a spec, one after another.

    `batched` says whether the first axis of the file's tensors is the batch. Where it is not, a
    tensor of the file is one sample, and axes count one further.
    """

    def __init__(self, file: OnnxFile, *, batched: bool) -> None:
        self.file = file
        self.opset = file.opset
        self.batched = batched
        self.net = FlatNetwork(file.name)
        self.paths: dict[str, str] = {}
        self.places: dict[str, Placed] = {}
        """Values whose batch is not in front."""
        self.names: dict[str, str] = {}
        """For constants that are made of others, what those are called."""
        self.constants: dict[str, Array] = dict(file.constants)
        self.folder = Folder(self.constants, file.opset)
        self.budget = self.folder.budget
        self.outputs = list(file.outputs)
        self.reads: Counter[str] = Counter()
        self.held: dict[str, Held] = {}
        """The initialisers that our own export wrote for nodes."""
        self.recount()
        self.refusals: list[Refusal] = []
        self.batch_size: int | None = None
        self.node: OnnxNode | None = None
        self.exact_names = file.producer == "specgraph"
        self.factors: dict[str, tuple[int, Array, Array]] = {}
        """Nodes that stand for factors and summands: along which axis, and what they are."""
        self._failed: set[str] = set()
        self._folders = {
            folder for scope in {node.scope for node in file.nodes if node.scope} for folder in folders(scope)
        }
        self._owners: dict[tuple[str, tuple[str, ...]], list[str]] = {}

    def recount(self) -> None:
        """Count readers anew after the file's nodes were changed."""
        self.reads = Counter(value for node in self.file.nodes for value in node.reads())
        self.reads.update(self.outputs)
        for node in self.file.nodes:
            self.reads.update(set(node.reads()).difference(node.inputs))  # graphs inside may read it often
        for held in self.held.values():
            self.reads.update(held.inputs)

    def add_inputs(self) -> None:
        """Take over the file's inputs. Raises `Refusal`."""
        for entry in self.file.inputs:
            self._add_input(entry)

    def _add_input(self, entry: OnnxInput) -> None:
        if np.dtype(entry.dtype).kind in INTEGER_KINDS:
            self.net.notes.append(
                f"input `{entry.name}` holds {entry.dtype} in the file; a spec computes in float32, which is the "
                "same as long as nothing wraps around or exceeds 2^24"
            )
        sizes = entry.shape
        if self.batched:
            if not sizes:
                raise Refusal(f"input `{entry.name}` has no axes")
            if isinstance(sizes[0], int):
                if self.batch_size not in (None, sizes[0]):
                    raise Refusal(f"input `{entry.name}` has another batch size than the inputs before it")
                self.batch_size = sizes[0]
            sizes = sizes[1:]
        dims: list[Dim] = []
        for position, size in enumerate(sizes):
            if size == 0:
                raise Refusal(f"input `{entry.name}` is empty: its axis {position} has size 0")
            dims.append(size if isinstance(size, int) else symbol(self._symbol(size, position, len(sizes))))
        self.paths[entry.name] = self.net.add_input(entry.name, dims)

    @staticmethod
    def _symbol(name: str | None, position: int, rank: int) -> str:
        usual = {3: ("C", "H", "W"), 2: ("C", "L"), 4: ("C", "D", "H", "W")}.get(rank, ())
        if name and name.isidentifier() and name != "N":
            return name
        return usual[position] if position < len(usual) else f"S{position}"

    def run(self, handlers: dict[str, Raise]) -> None:
        """Raise every node. What cannot be said is collected in `refusals`, root causes only."""
        for node in self.file.nodes:
            if any(value in self._failed for value in node.reads()):
                self._failed.update(node.outputs)
                continue
            try:
                self._raise(node, handlers)
            except Refusal as refusal:
                refusal.node = refusal.node or node.label
                self.refusals.append(refusal)
                self._failed.update(node.outputs)

    def _raise(self, node: OnnxNode, handlers: dict[str, Raise]) -> None:
        self.node = node
        if node.op_type == "Shape" and (node.inputs[0] in self.paths or node.inputs[0] in self.places):
            self._shape(node)
            return
        if node.op_type == "If" and node.domain in ("", "ai.onnx"):
            self._branch(node, handlers)
            return
        if all(value in self.constants for value in node.inputs if value):
            if self.folder.compute(node):
                if node.op_type in RENAMING:
                    self.names[node.outputs[0]] = self.names.get(node.inputs[0], node.inputs[0])
                return
            if node.inputs and node.op_type in handlers:
                raise Refusal("all its inputs are constants, and it is not one of the ops that are folded")
        handler = handlers.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        if handler is None:
            if "Quantize" in node.op_type or node.op_type.startswith("QLinear") or node.op_type.endswith("Integer"):
                raise Refusal("the network is quantised; a spec computes in float32: import the file it was made from")
            where = f" of domain {node.domain}" if node.domain else ""
            raise Refusal(f"op {node.op_type}{where} has no counterpart in a spec")
        handler(self, node)
        for output in node.outputs[1:]:
            if output and output not in self.paths and output not in self.places and self.reads[output]:
                raise Refusal(f"its output `{output}` is read, and has no counterpart in a spec")

    def _branch(self, node: OnnxNode, handlers: dict[str, Raise]) -> None:
        """An `If` whose condition is known, as exporters write for `squeeze`: the branch it takes."""
        condition = self.constant(node, 0)
        if condition is None or condition.size != 1 or has_symbols(condition):
            raise Refusal("its condition is not known before the network runs")
        branch = node.attributes.get("then_branch" if condition.reshape(-1)[0] else "else_branch")
        if not isinstance(branch, OnnxBranch) or len(branch.outputs) != len(node.outputs):
            raise Refusal("it does not have the branch it takes")
        self.constants.update(branch.constants)
        for inner in branch.nodes:
            self._raise(inner, handlers)
        for inside, output in zip(branch.outputs, node.outputs, strict=True):
            if inside in self.constants:
                self.constants[output] = self.constants[inside]
            else:
                self.paths[output] = self.paths[inside]

    def _shape(self, node: OnnxNode) -> None:
        dims = self.shape(node.inputs[0])
        start, end = node.attributes.get("start", 0), node.attributes.get("end", len(dims))
        self.constants[node.outputs[0]] = shape_array(dims[start:end])

    def choose(self, outputs: Sequence[str] | None) -> None:
        """Take these outputs alone. Raises `Refusal` for one that the file does not have."""
        for name in outputs or ():
            if name not in self.file.outputs:
                raise Refusal(f"there is no output `{name}`; the file has {', '.join(self.file.outputs)}")
        if outputs is not None:
            self.outputs = list(outputs)
            self.recount()

    def finish(self) -> None:
        """Take over the outputs. Raises `Refusal`."""
        for name in self.outputs:
            if name in self.places:
                raise Refusal(f"output `{name}`: {IN_FRONT}")
            if name in self.constants or name not in self.paths:
                raise Refusal(f"output `{name}` does not depend on the input")
            if self.paths[name] in self.net.inputs:
                self.paths[name] = self.net.add("identity", [self.paths[name]], hints=[name])
            label = "output" if name.isdigit() else clean(name).replace(".", "_") or "output"
            while label in self.net.outputs or label in self.net.inputs:
                label += "_"
            self.net.outputs[label] = self.paths[name]

    # What handlers use.

    def data(self, node: OnnxNode, index: int = 0) -> str:
        """Path of an input that must not be a constant."""
        value = node.inputs[index]
        if value in self.places and value not in self.paths:
            raise Refusal(IN_FRONT)
        if value in self.held and value not in self.paths:
            self.paths[value] = self._hold(value)
        if value not in self.paths:
            raise Refusal(f"its input `{value}` is a constant, where a spec needs a node")
        return self.paths[value]

    def _hold(self, value: str) -> str:
        """Path of the node whose value our own export wrote as an initialiser."""
        held = self.held[value]
        arguments = {name: given for name, given in held.arguments.items() if given is not None}
        if held.inputs:
            sources = [self.paths[name] for name in held.inputs]
            return self.net.add(held.op, sources, arguments, {}, [held.path])
        numbers = np.asarray(held.array, np.float32)
        parameters = (
            {"": numbers if arguments.get("batch_axis") else numbers[0]} if arguments.get("persistent", True) else {}
        )
        self.budget.take_parameters(parameters)
        return self.net.add(held.op, [], arguments, parameters, [held.path])

    def is_constant(self, node: OnnxNode, index: int) -> bool:
        """Whether an input is given and known."""
        return index < len(node.inputs) and node.inputs[index] in self.constants

    def constant(self, node: OnnxNode, index: int) -> Array | None:
        """A constant input; None where it is not given. Raises `Refusal` where it is computed."""
        if index >= len(node.inputs) or not node.inputs[index]:
            return None
        value = node.inputs[index]
        if value not in self.constants:
            raise Refusal(f"its input `{value}` is computed while the network runs; a spec needs a constant")
        return self.constants[value]

    def floats(self, node: OnnxNode, index: int) -> Array:
        """A constant input that must be given, as float32."""
        found = self.constant(node, index)
        if found is None:
            raise Refusal(f"its input {index} is missing")
        if has_symbols(found):
            raise Refusal("a constant it reads depends on a free size")
        return np.asarray(found, np.float32)

    def read_once(self, path: str) -> bool:
        """Whether one node alone reads what is at `path`, under whichever of its names."""
        elsewhere = (value for value, place in self.places.items() if place.path == path)
        return all(self.reads[value] == 1 for value in elsewhere) and all(
            self.reads[value] == 1 for value, found in self.paths.items() if found == path
        )

    def type_of(self, path: str) -> TensorType:
        """Type of a value."""
        return self.net.type_of(path)

    def rank(self, path: str) -> int:
        """Rank of a value as the file counts it."""
        return self.type_of(path).rank + self.batched

    def shape(self, value: str) -> tuple[Any, ...]:
        """Shape of a value as the file sees it; the batch is its number where the file fixes it."""
        if value in self.places:
            place = self.places[value]
            return place.shape(self.type_of(place.path).dims, N if self.batch_size is None else self.batch_size)
        return self.shape_of(self.paths[value])

    def shape_of(self, path: str) -> tuple[Any, ...]:
        """Shape of a node's value as the file sees it."""
        dims = self.type_of(path).dims
        if not self.batched:
            return dims
        return (N if self.batch_size is None else self.batch_size, *dims)

    def axis(self, axis: int, rank: int) -> int:
        """An axis of the file as a spec counts it, the batch as 0. Raises `Refusal` for the batch."""
        if not -rank <= axis < rank:
            raise Refusal(f"axis {axis} does not exist: there are {rank}")
        found = axis % rank + (0 if self.batched else 1)
        if found == 0:
            raise Refusal("it acts on the batch axis, which a spec never touches")
        return found

    def add(
        self,
        node: OnnxNode,
        op: str,
        inputs: Sequence[str],
        arguments: dict[str, Any] | None = None,
        parameters: dict[str, Array] | None = None,
        *,
        weight: str = "",
        output: int = 0,
    ) -> str:
        """Add the node that computes one of `node`'s outputs."""
        self.budget.take_parameters(parameters)
        path = self.net.add(op, inputs, arguments, parameters, self.hints(node, weight, op))
        if parameters:
            self._share(path, tuple(value for value in node.inputs if value in self.file.constants))
        self.paths[node.outputs[output]] = path
        return path

    def add_provisional(self, node: OnnxNode, op: str, inputs: Sequence[str], value: Any = None) -> None:
        """Add a node that must turn out to be part of an op."""
        hints = self.hints(node, "", op)
        self.paths[node.outputs[0]] = self.net.add_provisional(op, inputs, value, node.label, hints)

    def _share(self, path: str, weights: tuple[str, ...]) -> None:
        """Have a node share with the first of the same weights and arguments; a copy of weights is noted."""
        node = self.net.nodes[path]
        owners = self._owners.setdefault((node.op, weights), [])
        alike = [owner for owner in owners if weights and self._same_weights(owner, path)]
        rank = self.type_of(node.inputs[0]).rank if node.inputs else 0
        for owner in alike:
            other = self.net.nodes[owner]
            same_rank = not other.inputs or self.type_of(other.inputs[0]).rank == rank
            if other.arguments == node.arguments and same_rank:
                node.share = owner
                return
        if alike:
            self.net.notes.append(
                f"node `{path}` computes with the weights of `{alike[0]}` but other arguments, which a spec's `share` "
                "does not: it has a copy of them, and training changes each by itself"
            )
        owners.append(path)

    def _same_weights(self, owner: str, path: str) -> bool:
        if owner not in self.net.nodes:
            return False
        own, other = self.net.nodes[owner].parameters, self.net.nodes[path].parameters
        return own.keys() == other.keys() and all(np.array_equal(own[name], other[name]) for name in own)

    def step(
        self,
        op: str,
        inputs: Sequence[str],
        arguments: dict[str, Any] | None = None,
        parameters: dict[str, Array] | None = None,
        label: str = "",
    ) -> str:
        """Add a node on the way to one that stands for a node of the file."""
        self.budget.take_parameters(parameters)
        if self.node is None:
            return self.net.add(op, inputs, arguments, parameters)
        if self.node.scope is not None:
            hints = numbered(f"{self.node.scope}.{label or op}".strip("."))
        else:
            hints = [f"{hint}_{label or op}" for hint in self.hints(self.node, "", op)[:1]]
        return self.net.add(op, inputs, arguments, parameters, hints)

    def hints(self, node: OnnxNode, weight: str, op: str) -> list[str]:
        """What the node that says `op` may be called, best first."""
        if self.exact_names:
            return [node.name]
        found = [owner_of(self.names.get(weight, weight))] if weight else []
        if node.scope is not None:
            inner = bool(node.scope) and node.scope not in self._folders
            if op in ("conv", "layer_scale") and node.op_type != "Conv":  # arithmetic with constants
                op = node.op_type.lower()
            found += numbered(node.scope if inner else f"{node.scope}.{op}".strip("."))
        elif node.name:
            found.append(node.name)
        elif node.outputs and not node.outputs[0].isdigit():
            found.append(_value_name(node.outputs[0]))
        return [hint for hint in found if hint]

    def keep(self, value: str, place: Placed | str) -> None:
        """Note what a value of the file is: a node's path, or where its batch is."""
        if isinstance(place, str):
            self.paths[value] = place
        else:
            self.places[value] = place

    def alias(self, node: OnnxNode) -> None:
        """The node does nothing: its readers read its input."""
        self.paths[node.outputs[0]] = self.data(node)


def _value_name(value: str) -> str:
    """Caffe2 numbers its values: `conv1_1` is what `conv1` computes."""
    return value.removesuffix("_1").removesuffix("_0")


def static(dim: Dim) -> int:
    """A size that must be a number. Raises `Refusal`."""
    if isinstance(dim, SymbolicDim):
        raise Refusal(f"the size {dim} must be known to say this in a spec")
    return dim
