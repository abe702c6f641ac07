"""Pieces of emitted source: what stands in a constructor and a forward, one per node or group."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from specgraph.analysis.outline import Group
from specgraph.backends.python.values import ConstructorCall
from specgraph.graph.liveness import live
from specgraph.graph.model import Graph, Node

CALL = "{module}({inputs})"


@dataclass(slots=True, eq=False)
class Piece:
    """Something with a value in a forward: a node, or a group that is called as one.

    `path` is where its module lives, `owner` whose module it calls where that is another's (shared
    parameters). `value` constructs the module; None for a pure function. `reads` and `gives` are
    paths of nodes or inputs, in the order of the call's arguments and results.
    """

    path: str
    reads: list[str]
    gives: list[str]
    value: Any
    expression: str
    train_only: bool
    family: str = ""
    owner: str = ""
    is_tensor: bool = False
    flag: str = ""
    nodes: list[Node] = field(default_factory=list)

    @property
    def is_plain_call(self) -> bool:
        """Whether it is one module of its own, applied to one value, giving one."""
        return (
            isinstance(self.value, ConstructorCall)
            and not self.is_tensor
            and self.expression == CALL
            and len(self.reads) == 1
            and len(self.gives) == 1
        )

    @property
    def is_held(self) -> bool:
        """Whether it is a tensor of the network itself, which reads nothing."""
        return self.is_tensor and not self.reads

    @property
    def is_function(self) -> bool:
        """Whether it is a pure function of one value."""
        return self.value is None and not self.owner and len(self.reads) == 1 and len(self.gives) == 1


@dataclass(slots=True, eq=False)
class Member:
    """What a constructor assigns: `self.<name> = value`."""

    name: str
    value: Any
    flag: str = ""


@dataclass(slots=True, eq=False)
class ClassBody:
    """The inside of a class: what its constructor assigns and what its forward does."""

    group: Group
    members: list[Member]
    pieces: list[Piece]
    reads: list[str]
    gives: list[str]


class Flow:
    """Who needs what in a graph; dead nodes need nothing."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.outputs = set(graph.outputs.values())
        self.needed = live(graph.nodes, lambda path: graph.nodes[path].inputs, self.outputs)
        self.readers: dict[str, list[str]] = {path: [] for path in (*graph.inputs, *graph.nodes)}
        for node in graph.nodes.values():
            if node.path in self.needed:
                for source in dict.fromkeys(node.inputs):
                    self.readers[source].append(node.path)

    def sources(self, nodes: Sequence[Node]) -> list[str]:
        """What needed nodes read from outside, in order."""
        inside = {node.path for node in nodes}
        reads = (source for node in nodes if node.path in self.needed for source in node.inputs)
        return list(dict.fromkeys(source for source in reads if source not in inside))

    def exits(self, nodes: Sequence[Node]) -> list[str]:
        """What is read from outside or returned by the network, in order."""
        inside = {node.path for node in nodes}
        return [
            node.path
            for node in nodes
            if node.path in self.outputs or any(reader not in inside for reader in self.readers[node.path])
        ]


def is_plain_name(name: str) -> bool:
    """Whether a name can be written as an attribute."""
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")


def in_order(pieces: Iterable[Piece], given: Iterable[str]) -> list[Piece] | None:
    """Pieces so that each comes after what it reads, otherwise in their order; None for a cycle."""
    waiting = list(pieces)
    producer = {path: index for index, piece in enumerate(waiting) for path in piece.gives}
    missing = [len({producer[p] for p in piece.reads if p in producer} - {i}) for i, piece in enumerate(waiting)]
    users: list[list[int]] = [[] for _ in waiting]
    for index, piece in enumerate(waiting):
        for source in {producer[path] for path in piece.reads if path in producer} - {index}:
            users[source].append(index)
    import heapq

    ready = [index for index, count in enumerate(missing) if count == 0]
    heapq.heapify(ready)
    done: list[Piece] = []
    while ready:
        index = heapq.heappop(ready)
        done.append(waiting[index])
        for user in users[index]:
            missing[user] -= 1
            if not missing[user]:
                heapq.heappush(ready, user)
    return done if len(done) == len(waiting) else None
