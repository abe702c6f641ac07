"""Matches the nodes of two networks by structure and name, not by text.

Groups are aligned from the outside in: named members by name, numbered ones in order, renamed ones by
what they are. What is left over is matched along the edges: a node with the same op whose inputs, or
whose readers, are matched to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property

from specgraph.analysis.outline import Group, item_signature, outline
from specgraph.graph.model import Graph, Node

Item = Group | Node
MAX_SKIPPED = 2


class Matching:
    """Which node of the new network is which of the old one; `forward` maps old paths to new ones,
    inputs included. `groups` does the same for groups, of which `new_groups` are the new paths."""

    def __init__(self, old: Graph, new: Graph) -> None:
        self.old = old
        self.new = new
        self.forward: dict[str, str] = {}
        self.backward: dict[str, str] = {}
        self.groups: dict[str, str] = {}
        self.new_groups: set[str] = set()
        for before, after in _match_inputs(old, new):
            self._pair_paths(before, after)
        self.old_readers, self.new_readers = old.readers(), new.readers()
        self.outputs = [name for name in old.outputs if name in new.outputs]
        self._align(outline(old), outline(new))
        self._along_edges()

    def stand_for_each_other(self, before: str, after: str) -> bool:
        """Whether two values correspond: matched nodes, or the results of matched groups."""
        return self.forward.get(before) == after or after in self._results.get(before, ())

    @cached_property
    def _results(self) -> dict[str, set[str]]:
        results: dict[str, set[str]] = {}
        for before, after in self.groups.items():
            old, new = self.old.scopes.get(before), self.new.scopes.get(after)
            if old is not None and new is not None:
                results.setdefault(old.output, set()).add(new.output)
        return results

    def _pair_paths(self, before: str, after: str) -> None:
        self.forward[before] = after
        self.backward[after] = before

    def _pair(self, before: Item, after: Item) -> None:
        if isinstance(before, Group) and isinstance(after, Group):
            self.groups[before.path] = after.path
            self.new_groups.add(after.path)
            self._align(before, after)
        elif isinstance(before, Node) and isinstance(after, Node):
            self._pair_paths(before.path, after.path)

    def _align(self, before: Group, after: Group) -> None:
        """Pair the members of two groups that correspond."""
        paired: set[int] = set()
        by_name = {_tail(item): item for item in after.children if not _tail(item).isdigit()}
        for item in before.children:
            other = by_name.get(_tail(item))
            if other is not None and _may_be(item, other):
                paired.update((id(item), id(other)))
                self._pair(item, other)
        keys: tuple[Callable[[Item], Hashable], ...] = (item_signature, _nature)
        for key in keys:
            numbered_only = key is _nature
            old_left = [item for item in before.children if id(item) not in paired]
            new_left = [item for item in after.children if id(item) not in paired]
            for first, second in _common(old_left, new_left, key, numbered_only):
                paired.update((id(first), id(second)))
                self._pair(first, second)
        numbered = {_tail(i): i for i in after.children if isinstance(i, Group) and id(i) not in paired}
        for item in before.children:
            other = numbered.get(_tail(item))
            if isinstance(item, Group) and id(item) not in paired and other is not None and _tail(item).isdigit():
                self._pair(item, other)

    def _may_move(self, before: Node, after: Node) -> bool:
        """Whether both are in corresponding groups, have the same name, or one left or entered a group
        that the other network does not have."""
        head, _, tail = before.path.rpartition(".")
        after_head, _, after_tail = after.path.rpartition(".")
        if self.groups.get(head, head) == after_head or (tail == after_tail and not tail.isdigit()):
            return True
        return (bool(head) and head not in self.groups) or (bool(after_head) and after_head not in self.new_groups)

    def _along_edges(self) -> None:
        while self._match_once(0) or self._match_once(MAX_SKIPPED):
            pass

    def _match_once(self, skip: int) -> bool:
        """One pass over the nodes left; inputs are looked up past `skip` unmatched nodes at most."""
        left = {path: node for path, node in self.old.nodes.items() if path not in self.forward}
        if not left or len(self.backward) >= len(self.new.nodes) + len(self.new.inputs):
            return False
        by_inputs: dict[Hashable, list[Node]] = {}
        by_readers: dict[Hashable, list[Node]] = {}
        for path, node in left.items():
            sources = (_past(self.old, source, self.forward, skip) for source in node.inputs)
            inputs = tuple(self.forward.get(source) for source in sources)
            if None not in inputs:
                by_inputs.setdefault((node.op, inputs), []).append(node)
            readers = frozenset(filter(None, map(self.forward.get, self.old_readers[path])))
            readers |= {name for name in self.outputs if self.old.outputs[name] == path}
            if readers:
                by_readers.setdefault((node.op, readers), []).append(node)
        changed = False
        for path, node in self.new.nodes.items():
            if path in self.backward:
                continue
            inputs = tuple(_past(self.new, source, self.backward, skip) for source in node.inputs)
            readers = frozenset(reader for reader in self.new_readers[path] if reader in self.backward)
            readers |= {name for name in self.outputs if self.new.outputs[name] == path}
            found = [*by_inputs.get((node.op, inputs), ()), *by_readers.get((node.op, readers), ())]
            found = [o for o in found if o.path not in self.forward and self._may_move(o, node)]
            if found:
                self._pair_paths(max(found, key=lambda other: _likeness(other, node)).path, path)
                changed = True
        return changed


def _past(graph: Graph, path: str, matched: dict[str, str], skip: int) -> str:
    """The nearest matched value upwards, past a few unmatched nodes with one input."""
    while skip and path not in matched and path in graph.nodes and len(graph.nodes[path].inputs) == 1:
        path = graph.nodes[path].inputs[0]
        skip -= 1
    return path


def _match_inputs(old: Graph, new: Graph) -> list[tuple[str, str]]:
    """Inputs of the same name; the only ones left are each other."""
    pairs = [(name, name) for name in old.inputs if name in new.inputs]
    old_left = [name for name in old.inputs if name not in new.inputs]
    new_left = [name for name in new.inputs if name not in old.inputs]
    return pairs + (list(zip(old_left, new_left, strict=True)) if len(old_left) == len(new_left) == 1 else [])


def _tail(item: Item) -> str:
    return item.path.rpartition(".")[2]


def _likeness(before: Node, after: Node) -> tuple[bool, bool]:
    return before.arguments == after.arguments, _tail(before) == _tail(after)


def _may_be(before: Item, after: Item) -> bool:
    return isinstance(before, Group) == isinstance(after, Group)


def _nature(item: Item) -> Hashable:
    return (item.block, item.kind) if isinstance(item, Group) else item.op


def _common(
    old: Sequence[Item], new: Sequence[Item], key: Callable[[Item], Hashable], numbered_only: bool
) -> list[tuple[Item, Item]]:
    """Pairs with equal keys, in order on both sides."""
    from difflib import SequenceMatcher

    if numbered_only:
        old = [item for item in old if _tail(item).isdigit()]
        new = [item for item in new if _tail(item).isdigit()]
    old_keys, new_keys = [key(item) for item in old], [key(item) for item in new]
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old_keys[i] != new_keys[i]), shorter)
    shorter -= head
    tail = next((i for i in range(shorter) if old_keys[-1 - i] != new_keys[-1 - i]), shorter)
    pairs = list(zip(old[:head], new[:head], strict=True))
    if head + tail < min(len(old), len(new)) + (len(old) != len(new)):
        middle = SequenceMatcher(
            None, old_keys[head : len(old) - tail], new_keys[head : len(new) - tail], autojunk=False
        )
        pairs += [
            (old[head + start + offset], new[head + other + offset])
            for start, other, length in middle.get_matching_blocks()
            for offset in range(length)
        ]
    return pairs + list(zip(old[len(old) - tail :], new[len(new) - tail :], strict=True))
