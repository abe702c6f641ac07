"""The levels in a flat network's names, as groups with one value in and one value out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from specgraph.importers.flat import FlatNetwork, FlatNode


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

    def leaves(self) -> Iterator[FlatNode]:
        """The node itself."""
        yield self.node


@dataclass(slots=True)
class NameGroup:
    """What lies under one name: entries in order. `inputs` are the paths read from outside, in order
    of first use; `output` the one path that is read outside."""

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


def build_tree(net: FlatNetwork) -> list[Entry]:
    """The network's nodes by their names' levels. A level becomes a group where its nodes lie together
    and one value of theirs is read outside; else its nodes stay in the level above, with dots."""
    readers = net.readers()
    outputs = set(net.outputs.values())
    nodes = list(net.nodes.values())
    return _entries(net, nodes, "", readers, outputs)


def _entries(
    net: FlatNetwork, nodes: list[FlatNode], prefix: str, readers: dict[str, list[str]], outputs: set[str]
) -> list[Entry]:
    entries: list[Entry] = []
    runs = _runs(nodes, prefix)
    segments = [segment for segment, _ in runs]
    for segment, run in runs:
        path = prefix + segment
        if len(run) == 1 and run[0].path == path:
            entries.append(NameLeaf(segment, run[0]))
            continue
        inside = _entries(net, run, path + ".", readers, outputs)
        group = _group(segment, path, run, inside, readers, outputs)
        if group is not None and segments.count(segment) == 1:
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


def _group(
    name: str,
    path: str,
    nodes: list[FlatNode],
    entries: list[Entry],
    readers: dict[str, list[str]],
    outputs: set[str],
) -> NameGroup | None:
    own = {node.path for node in nodes}
    read = [node.path for node in nodes if node.path in outputs or any(r not in own for r in readers[node.path])]
    if len(read) != 1 or len(nodes) < 2 or any(node.share for node in nodes):
        return None
    inputs = list(dict.fromkeys(source for node in nodes for source in node.inputs if source not in own))
    group = NameGroup(name, path, entries, inputs, read[0])
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
