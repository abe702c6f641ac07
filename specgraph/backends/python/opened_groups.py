"""Which groups can be called as one, and which must be opened: held as a container whose members the
surrounding forward calls one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from specgraph.analysis.outline import Group, outline, written_arguments
from specgraph.backends.python.pieces import Flow
from specgraph.graph.model import Graph, Node


def groups_of(root: Group) -> Iterator[Group]:
    """All groups below one, outer before inner."""
    for child in root.children:
        if isinstance(child, Group):
            yield child
            yield from groups_of(child)


class Opening:
    """Decides it for every group of a graph. `shared` maps groups to those whose modules they use."""

    def __init__(self, graph: Graph, flow: Flow, *, everything: bool = False, opened: Iterable[str] = ()) -> None:
        self.graph = graph
        self.flow = flow
        self.root = outline(graph)
        self.opened: set[str] = set(opened)
        self.shared: dict[str, str] = {}
        groups = list(groups_of(self.root))
        self.by_path = {group.path: group for group in groups}
        if everything:
            self.opened = set(self.by_path)
            return
        for group in groups:
            self._open_for_outputs(group)
        while True:  # a group that is opened shares no more as one: the groups inside it may
            self.shared.clear()
            self._open_for_sharing(groups)
            self._open_cycles(self.root)
            lost = [path for path, owner in self.shared.items() if path in self.opened or owner in self.opened]
            if not lost:
                break
            self.opened.update(lost)
        self._open_inside_shared()

    def _open_for_outputs(self, group: Group) -> None:
        nodes = group.nodes
        exits = self.flow.exits(nodes)
        mixed = len({node.train_only for node in nodes}) > 1
        if not exits or (mixed and any(self.graph.nodes[path].train_only for path in exits)):
            self.opened.add(group.path)

    def _open_for_sharing(self, groups: list[Group]) -> None:
        for group in groups:
            if group.path in self.opened or self._inside_shared(group.path):
                continue
            owner = self._owner_group(group)
            if owner is not None:
                self.shared[group.path] = owner
        for node in self.graph.nodes.values():
            if not node.share or not node.parameters or self._inside_shared(node.path):
                continue
            for path in _groups_around(node.path):
                if not node.share.startswith(f"{path}."):
                    self.opened.add(path)
        for path, owner in self.shared.items():
            for around in _groups_around(path):
                if not owner.startswith(f"{around}."):
                    self.opened.add(around)

    def _inside_shared(self, path: str) -> bool:
        return any(around in self.shared for around in _groups_around(path))

    def _owner_group(self, group: Group) -> str | None:
        """The group whose modules this one uses throughout, or None."""
        nodes = group.nodes
        owning = [node for node in nodes if node.parameters]
        first = owning[0] if owning else None
        if first is None or not first.share:
            return None
        tail = first.path[len(group.path) :]
        if not first.share.endswith(tail):
            return None
        owner = first.share[: -len(tail)]
        if any(node.share != owner + node.path[len(group.path) :] for node in owning):
            return None
        other = self.by_path.get(owner)
        if other is None or not _alike(group, other) or self._exits(group) != self._exits(other):
            return None
        return owner

    def _exits(self, group: Group) -> list[str]:
        """What of a group is read outside of it, by its paths inside: what a call of it returns."""
        return [path[len(group.path) :] for path in self.flow.exits(group.nodes)]

    def _open_inside_shared(self) -> None:
        """Nothing inside a shared group is emitted, so nothing there may stay to be called."""
        for path in self.by_path:
            if self._inside_shared(path):
                self.opened.discard(path)

    def _open_cycles(self, group: Group) -> None:
        """Open groups that would have to run before themselves: part of them reads what another part
        has led to outside."""
        while True:
            unit_of: dict[str, str] = {}
            groups: dict[str, Group] = {}
            for unit, nodes in self._units(group):
                if isinstance(unit, Group):
                    groups[unit.path] = unit
                for node in nodes:
                    unit_of[node.path] = unit.path
            reads: dict[str, set[str]] = {unit: set() for unit in unit_of.values()}
            for path, unit_path in unit_of.items():
                for source in self.graph.nodes[path].inputs:
                    before = unit_of.get(source)
                    if before is not None and before != unit_path:
                        reads[unit_path].add(before)
            stuck = _on_cycles(reads) & groups.keys()
            if not stuck:
                break
            self.opened |= stuck
        for inner in groups.values():
            self._open_cycles(inner)

    def _units(self, group: Group) -> Iterator[tuple[Group | Node, list[Node]]]:
        for child in group.children:
            if not isinstance(child, Group):
                yield child, [child]
            elif child.path in self.opened:
                yield from self._units(child)
            else:
                yield child, child.nodes


def _groups_around(path: str) -> Iterator[str]:
    """Prefixes of a path, innermost first."""
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def _alike(left: Group, right: Group) -> bool:
    """Whether two groups have the same nodes, arguments and inner wiring."""

    def form(group: Group) -> list[tuple[object, ...]]:
        prefix = f"{group.path}."
        outside: dict[str, int] = {}
        return [
            (
                node.path[len(prefix) :],
                node.op,
                written_arguments(node),
                [
                    s[len(prefix) :] if s.startswith(prefix) else outside.setdefault(s, len(outside))
                    for s in node.inputs
                ],
                node.train_only,
            )
            for node in group.nodes
        ]

    return form(left) == form(right)


def _on_cycles(reads: dict[str, set[str]]) -> set[str]:
    """Units on a cycle, or between two."""
    readers: dict[str, set[str]] = {unit: set() for unit in reads}
    for unit, sources in reads.items():
        for source in sources:
            readers[source].add(unit)
    return _left_over(reads, readers) & _left_over(readers, reads)


def _left_over(before: dict[str, set[str]], after: dict[str, set[str]]) -> set[str]:
    """What cannot be put in an order, with everything after it."""
    missing = {unit: len(sources) for unit, sources in before.items()}
    ready = [unit for unit, count in missing.items() if not count]
    while ready:
        unit = ready.pop()
        del missing[unit]
        for reader in after[unit]:
            missing[reader] -= 1
            if not missing[reader]:
                ready.append(reader)
    return set(missing)
