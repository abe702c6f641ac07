"""What the naive interpreter makes of a spec: values, nodes, scopes, and the outcome of it all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tests.oracle.labels import Labels
from tests.oracle.modules import own_state

Spec = dict[str, Any]
Pair = tuple[Tensor, Tensor]


class Refused(Exception):
    """The spec is wrong: PyTorch refuses the node at `path`, or, with an empty path, the language does."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass
class Value:
    """What a node computes at both batch sizes, and the path of the node (or input) that computes it."""

    producer: str
    tensors: Pair
    labels: Labels
    train_only: bool = False

    @property
    def has_samples(self) -> bool:
        """Whether it is more than parameters and constants make."""
        return self.tensors[0].shape[0] != self.tensors[1].shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes without the batch axis."""
        return tuple(self.tensors[0].shape[1:])

    def size(self, name: str) -> int:
        """`channels`, `height`, … as expressions ask for them. Raises KeyError where there is none."""
        letters = {"channels": "CF", "height": "H", "width": "WL", "depth": "D", "length": "L"}
        if name == "features":
            if self.labels[-1] in ("D", "H", "W", "L"):
                raise KeyError(name)
            return self.shape[-1]
        for letter in letters[name]:
            if letter in self.labels:
                return self.shape[self.labels.index(letter)]
        raise KeyError(name)


@dataclass
class Made:
    """One op of the flat network."""

    path: str
    op: str
    arguments: dict[str, Any]
    inputs: list[str]
    value: Value
    module: nn.Module
    owner: str
    train_only: bool
    init: dict[str, Any]
    num_axes: int
    present: bool = True

    @property
    def state(self) -> dict[str, Tensor]:
        """Its parameters and buffers under the names of the compiled module."""
        return {f"{self.path}.{n}" if n else self.path: t for n, t in own_state(self.module).items()}

    @property
    def num_parameters(self) -> int:
        """Trainable elements that it owns."""
        if self.owner or not self.present:
            return 0
        buffers = ("running_mean", "running_var", "num_batches_tracked")
        return sum(t.numel() for n, t in own_state(self.module).items() if n not in buffers)


@dataclass
class Document:
    """A file: the values of its variables, its blocks, its defaults, and the files that it includes."""

    values: dict[str, Any]
    blocks: dict[str, Any]
    defaults: dict[str, Any]
    includes: dict[str, Document]


@dataclass
class Scope:
    """Nodes that see each other. `parent` is None at the boundary of a block."""

    path: str
    kind: str  # "file", "block", "chain" or "repeat"
    document: Document
    values: dict[str, Any]
    entries: list[tuple[str | None, Any]] = field(default_factory=list)
    parent: Scope | None = None
    inputs: dict[str, Value] = field(default_factory=dict)
    default: Value | None = None
    defaults: tuple[tuple[dict[str, Any], Env], ...] = ()
    shared: tuple[str, str] | None = None
    train_only: bool = False
    results: dict[str, Result] = field(default_factory=dict)
    done: dict[int, Result] = field(default_factory=dict)
    running: set[int] = field(default_factory=set)
    numbering: list[int] = field(default_factory=lambda: [0])

    def child(self, name: str) -> str:
        """Path of a node of this scope."""
        return f"{self.path}.{name}" if self.path else name


@dataclass
class Result:
    """What became of a node as written."""

    value: Value
    scope: Scope | None = None
    absent: bool = False

    def last(self) -> Result:
        """Of a repeated node the last instance that is present."""
        if self.scope is not None and self.scope.kind == "repeat":
            for result in reversed(self.scope.results.values()):
                if not result.absent:
                    return result
        return self


@dataclass
class Env:
    """Where an expression stands."""

    scope: Scope
    index: int | None = None
    first: Value | None = None


Fill = Callable[[Any, list[Value], Env], tuple[Any, list[Value]]]
"""Gets a node as written, what it reads and where it stands, and returns the node and what it reads after all."""


@dataclass
class Outcome:
    """The flat network."""

    made: dict[str, Made]
    outputs: dict[str, Value]

    @property
    def present(self) -> dict[str, Made]:
        """The nodes that are there."""
        return {path: node for path, node in self.made.items() if node.present}

    @property
    def state(self) -> dict[str, Tensor]:
        """Weights under the names that the compiled module must have."""
        return {name: t for node in self.present.values() if not node.owner for name, t in node.state.items()}

    @property
    def overflows(self) -> bool:
        """Whether numbers grow past what single precision tells apart from infinity, or past what onnxruntime's LRN
        computes, which adds and subtracts squares: such outputs say nothing."""
        squared = {path for node in self.made.values() if node.op == "lrn" for path in node.inputs}
        return any(
            not bool((t.abs() < (1e6 if node.path in squared else 1e18)).all())
            for node in self.made.values()
            for t in node.value.tensors
        )

    @property
    def inference(self) -> dict[str, Value]:
        """Outputs outside training."""
        return {name: value for name, value in self.outputs.items() if not value.train_only}

    @property
    def num_parameters(self) -> int:
        """Trainable elements that nodes outside training use."""
        used = {node.owner or path for path, node in self.present.items() if not node.train_only}
        return sum(self.made[path].num_parameters for path in used)


def load(module: nn.Module, given: dict[str, Tensor] | None) -> None:
    """Use another node's parameters, if there are any. Raises RuntimeError where they are other ones."""
    if given is None:
        return
    mine = own_state(module)
    if {k: t.shape for k, t in mine.items()} != {k: t.shape for k, t in given.items()}:
        raise RuntimeError("the shared parameters have other shapes")
    with torch.no_grad():
        for name, tensor in given.items():
            mine[name].copy_(tensor)


def kept_weights(weights: dict[str, Tensor] | None, path: str, module: nn.Module) -> dict[str, Tensor] | None:
    """The weights of an earlier run that fit the module at a path; None at another size, where it has its own."""
    if weights is None:
        return None
    mine = own_state(module)
    known = {name: weights.get(f"{path}.{name}" if name else path) for name in mine}
    fitting = {
        name: tensor for name, tensor in known.items() if tensor is not None and tensor.shape == mine[name].shape
    }
    return fitting if len(fitting) == len(mine) else None


def entries_of(nodes: Any) -> list[tuple[str | None, Any]]:
    """Nodes with their names; those of a chain have none."""
    return [(None, node) for node in nodes] if isinstance(nodes, list) else list(nodes.items())


def is_train_only(node: Any) -> bool:
    return isinstance(node, dict) and bool(node.get("train_only", False))


def no_size(path: str) -> Any:
    raise KeyError(path)
