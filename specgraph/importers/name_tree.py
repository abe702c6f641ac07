"""The levels in a flat network's names, as groups with one value in and one value out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from specgraph.importers.flat import FlatNetwork, FlatNode
from specgraph.importers.naming import folders


@dataclass(slots=True)
class NameLeaf:
    """One node, called `name` in its group."""

    name: str
    node: FlatNode

    @property
    def inputs(self) -> list[str]:
        """Paths it reads."""
        return self.node.inputs

    @property
    def output(self) -> str:
        """Path of its value."""
        return self.node.path

    @property
    def path(self) -> str:
        """The node's path."""
        return self.node.path

    def leaves(self) -> Iterator[FlatNode]:
        """The node itself."""
        yield self.node


@dataclass(slots=True)
class NameGroup:
    """What lies under one name: entries in order. `inputs` are the paths read from outside, in order
    of first use; `output` the path that it stands for, the last that is read outside."""

    name: str
    path: str
    entries: list[Entry]
    inputs: list[str]
    output: str
    signature: str = ""
    scope: str = field(default="")

    def leaves(self) -> Iterator[FlatNode]:
        """All nodes in it, in order."""
        for entry in self.entries:
            yield from entry.leaves()

    @property
    def is_chain(self) -> bool:
        """Whether its entries are numbered from 0 and each reads the one before it alone."""
        if len(self.inputs) != 1 or [entry.name for entry in self.entries] != [
            str(index) for index in range(len(self.entries))
        ]:
            return False
        previous = self.inputs[0]
        for entry in self.entries:
            if list(entry.inputs) != [previous]:
                return False
            previous = entry.output
        return previous == self.output


Entry = NameLeaf | NameGroup


class Surroundings(NamedTuple):
    """What groups are found from: who reads what, how many nodes lie in each level, which levels must not be groups."""

    readers: dict[str, list[str]]
    outputs: set[str]
    sizes: Counter[str]
    apart: frozenset[str]


def build_tree(net: FlatNetwork, apart: frozenset[str] = frozenset()) -> list[Entry]:
    """The network's nodes by their names' levels. A level becomes a group where its nodes lie together;
    else its nodes stay in the level above, with dots. `apart` names levels
    that stay so in any case."""
    nodes = list(net.nodes.values())
    sizes = Counter(folder for node in nodes for folder in folders(node.path))
    return _entries(nodes, "", Surroundings(net.readers(), set(net.outputs.values()), sizes, apart))


def _entries(nodes: list[FlatNode], prefix: str, around: Surroundings) -> list[Entry]:
    entries: list[Entry] = []
    for segment, run in _runs(nodes, prefix):
        path = prefix + segment
        if len(run) == 1 and run[0].path == path:
            entries.append(NameLeaf(segment, run[0]))
            continue
        inside = _entries(run, path + ".", around)
        group = _group(segment, path, run, inside, around)
        if group is not None:
            entries.append(group)
        else:
            entries += [_renamed(entry, f"{segment}.{entry.name}") for entry in inside]
    return entries


def _renamed(entry: Entry, name: str) -> Entry:
    entry.name = name
    return entry


def _runs(nodes: list[FlatNode], prefix: str) -> list[tuple[str, list[FlatNode]]]:
    """Neighbours with the same next segment of their names."""
    runs: list[tuple[str, list[FlatNode]]] = []
    for node in nodes:
        segment = node.path[len(prefix) :].split(".")[0]
        if runs and runs[-1][0] == segment:
            runs[-1][1].append(node)
        else:
            runs.append((segment, [node]))
    return runs


def _group(name: str, path: str, nodes: list[FlatNode], entries: list[Entry], around: Surroundings) -> NameGroup | None:
    if path in around.apart or len(nodes) != around.sizes[path]:  # others of its nodes lie elsewhere
        return None
    own = {node.path for node in nodes}
    read = [n.path for n in nodes if n.path in around.outputs or any(r not in own for r in around.readers[n.path])]
    if not read or len(nodes) < 2 or any(node.share for node in nodes):
        return None
    inputs = list(dict.fromkeys(source for node in nodes for source in node.inputs if source not in own))
    group = NameGroup(name, path, entries, inputs, read[-1])
    group.signature = _signature(group)
    return group


def _signature(group: NameGroup) -> str:
    """What two groups have in common that can be instances of one block: names, ops and wiring."""
    start = len(group.path) + 1
    own = {node.path for node in group.leaves()}
    listed = []
    for node in group.leaves():
        wiring = [source[start:] if source in own else f"<{group.inputs.index(source)}>" for source in node.inputs]
        listed.append([node.path[start:], node.op, wiring])
    return json.dumps([listed, group.output[start:]])


def groups(entries: list[Entry]) -> Iterator[NameGroup]:
    """All groups, outer ones first."""
    for entry in entries:
        if isinstance(entry, NameGroup):
            yield entry
            yield from groups(entry.entries)
