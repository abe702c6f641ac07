"""The outline of a graph: its nodes as a tree of named groups, and runs of equal neighbours.

Summaries, diagrams and diffs read the same outline, so that they fold the same things.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from specgraph.diagnostics.model import Span
from specgraph.graph.model import Graph, Node
from specgraph.ops.registry import ops

COUNTED = re.compile(r"\d+|(?<![A-Za-z])[A-Za-z](?![A-Za-z])")
"""What counts in a name: numbers, and letters that stand alone, as in `mixed_6c`."""
MOST_OWNERS = 2


@dataclass(slots=True, eq=False)
class Group:
    """Nodes whose paths share a prefix.

    `kind` is a scope's (`block`, `chain`, `repeat`), `prefix` where only dotted names make the
    group, `root` for the whole network. `block` names the block it was made from.
    """

    path: str
    kind: str
    block: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    children: list[Group | Node] = field(default_factory=list)

    @property
    def nodes(self) -> list[Node]:
        """All nodes inside, in the order of the outline."""
        return [item for item in _walk(self) if isinstance(item, Node)]

    def groups(self) -> Iterator[Group]:
        """All groups inside, outer ones first."""
        return (item for item in _walk(self) if isinstance(item, Group))


def _walk(group: Group) -> Iterator[Group | Node]:
    waiting: list[Group | Node] = list(reversed(group.children))
    while waiting:
        item = waiting.pop()
        if isinstance(item, Group):
            waiting.extend(reversed(item.children))
        yield item


def outline(graph: Graph) -> Group:
    """The nodes of a graph as a tree along their dotted paths, in order of first appearance."""
    root = Group("", "root")
    groups: dict[str, Group] = {"": root}
    for node in graph.nodes.values():
        prefix = node.path.rpartition(".")[0]
        group = groups.get(prefix)
        if group is None:
            group = root
            path = ""
            for part in prefix.split("."):
                path = f"{path}.{part}" if path else part
                inner = groups.get(path)
                if inner is None:
                    scope = graph.scopes.get(path)
                    inner = Group(path, "prefix")
                    if scope is not None:
                        inner = Group(path, scope.kind, scope.block, scope.arguments)
                    groups[path] = inner
                    group.children.append(inner)
                group = inner
        group.children.append(node)
    return root


def nodes_of(item: Group | Node) -> list[Node]:
    """The nodes of an item of the outline."""
    return item.nodes if isinstance(item, Group) else [item]


def shared_with(nodes: Sequence[Node], path: str = "") -> str:
    """Whose parameters some nodes use where all of them are others': the counterpart of `path`, which they
    lie below, else each owner. Nothing where they own any."""
    holding = [node for node in nodes if node.parameters]
    if any(node.share is None for node in holding):
        return ""
    owners: dict[str, None] = {}
    for node in holding:
        rest = node.path[len(path) :] if path else ""
        owners[(node.share or "").removesuffix(rest)] = None
    return ", ".join(owners) if len(owners) <= MOST_OWNERS else f"{len(owners)} nodes"


def written_arguments(node: Node) -> dict[str, Any]:
    """A node's arguments without those the graph implies (`in_channels`)."""
    op = ops().get(node.op)
    if op is None:
        return node.arguments
    known = op.arguments
    return {name: value for name, value in node.arguments.items() if not (name in known and known[name].implied)}


def _hashable(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple((key, _hashable(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(_hashable(item) for item in value)
    return value  # type: ignore[no-any-return]


def signature(nodes: Sequence[Node], prefix: str = "") -> Hashable:
    """What makes two pieces of a network the same piece: ops, written arguments, inner wiring.

    Sizes do not count (a dense layer grows from instance to instance), nor do arguments of ops that
    act in training only (a drop rate that rises with depth). With `prefix`, names below it count.
    """
    position = {node.path: index for index, node in enumerate(nodes)}
    outside: dict[str, int] = {}
    parts: list[Hashable] = []
    for node in nodes:
        wiring = tuple(
            position[source] if source in position else ~outside.setdefault(source, len(outside))
            for source in node.inputs
        )
        op = ops().get(node.op)
        arguments = {} if op is not None and op.training_only else written_arguments(node)
        name = node.path[len(prefix) :] if prefix else ""
        parts.append((name, node.op, _hashable(arguments), wiring, node.train_only, node.share is not None))
    return tuple(parts)


def item_signature(item: Group | Node) -> Hashable:
    """`signature` of an item of the outline; names inside a group count, its own does not."""
    if isinstance(item, Group):
        return (item.block, signature(item.nodes, item.path))
    return signature([item])


class Wiring:
    """Who reads what, for questions about pieces of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.readers = graph.readers()
        self.outputs = set(graph.outputs.values())

    def sources(self, nodes: Sequence[Node]) -> list[str]:
        """Paths outside `nodes` that they read, in order, each once."""
        inside = {node.path for node in nodes}
        return list(dict.fromkeys(source for node in nodes for source in node.inputs if source not in inside))

    def exits(self, nodes: Sequence[Node]) -> list[str]:
        """Paths in `nodes` that are read from outside or are outputs of the graph."""
        inside = {node.path for node in nodes}
        return [
            node.path
            for node in nodes
            if node.path in self.outputs or any(reader not in inside for reader in self.readers[node.path])
        ]

    def follows(self, first: Sequence[Node], second: Sequence[Node]) -> bool:
        """Whether `second` reads one value of `first` and nothing else, and nobody else reads `first`."""
        sources = self.sources(second)
        if len(sources) != 1 or len(self.sources(first)) != 1 or self.exits(first) != sources:
            return False
        inside = {node.path for node in second}
        readers = self.readers[sources[0]]
        within = {node.path for node in first}
        outside = [reader for reader in readers if reader not in within]
        return sources[0] not in self.outputs and all(reader in inside for reader in outside)

    def alike(self, first: Sequence[Node], second: Sequence[Node], *, sizes: bool) -> bool:
        """Whether a reader takes two equal pieces for one that is repeated: instances of one repeat, or
        pieces whose names differ in what counts alone, with `sizes` those of equal sizes."""
        if self._origin(first[0]) == self._origin(second[0]):
            return True
        if COUNTED.sub("#", first[0].path) != COUNTED.sub("#", second[0].path):
            return False
        pairs = zip(first, second, strict=True) if sizes else ()
        return all(one.output == other.output and one.input_types == other.input_types for one, other in pairs)

    def _origin(self, node: Node) -> tuple[Span, ...]:
        """Where a node, and every scope around it, is written."""
        places = [node.span]
        path = node.path.rpartition(".")[0]
        while path:
            if path in self.graph.scopes:
                places.append(self.graph.scopes[path].span)
            path = path.rpartition(".")[0]
        return tuple(places)


Item = TypeVar("Item")


def fold_runs(
    items: Sequence[Item],
    wiring: Wiring,
    nodes: Callable[[Item], Sequence[Node]],
    key: Callable[[Item], Hashable],
) -> list[list[Item]]:
    """Split items into runs of equal neighbours, each feeding the next and nobody else."""
    runs: list[list[Item]] = []
    last_key: Hashable = None
    for item in items:
        this_key = key(item)
        if runs and this_key == last_key:
            before, these = nodes(runs[-1][-1]), nodes(item)
            if wiring.follows(before, these) and wiring.alike(before, these, sizes=not isinstance(item, Group)):
                runs[-1].append(item)
                continue
        runs.append([item])
        last_key = this_key
    return runs
