"""Levels in names that have none: `conv2_block1_1_bn` and its like become `conv2_block1.1_bn`, where parts of the
network are called alike. What lies under one level can be written as a block."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from specgraph.importers.flat import FlatNetwork, FlatNode
from specgraph.importers.naming import folders
from specgraph.importers.numbered_names import numbered_names
from specgraph.ops.registry import ops

LEAST_SAVED = 3
"""Lines that a level must save."""
MOST_ROUNDS = 8
_SHORT = {"batch_norm": "bn", "max_pool": "pool", "avg_pool": "pool", "linear": "fc"}
_NUMBER = re.compile(r"\d+[a-z]?(?=[_.]|\Z)")
_ENDS = re.compile(r"\d[a-z]?(?=_|\Z)")


class Part(NamedTuple):
    """Nodes that begin with one prefix, or lie among them, with their names below it."""

    prefix: str
    nodes: tuple[tuple[str, FlatNode], ...]

    def form(self) -> tuple[tuple[str, str], ...]:
        """What parts that are called alike have in common."""
        return tuple((name, node.op) for name, node in self.nodes)


def order_by_branch(net: FlatNetwork) -> None:
    """Put the nodes of a branch one after another, each after what it reads."""
    ordered: dict[str, FlatNode] = {}
    stack = [(path, False) for path in reversed(list(dict.fromkeys(net.outputs.values())))]
    while stack:
        path, done = stack.pop()
        if path in ordered or path not in net.nodes:
            continue
        if done:
            ordered[path] = net.nodes[path]
            continue
        node = net.nodes[path]
        stack.append((path, True))
        stack += [(source, False) for source in reversed(node.inputs)]
    rest = {path: node for path, node in net.nodes.items() if path not in ordered}
    net.nodes.clear()
    net.nodes.update(ordered | rest)


def name_levels(net: FlatNetwork) -> None:
    """Part the names of a network into levels, as far as that saves lines."""
    kept: set[str] = set()
    for _ in range(MOST_ROUNDS):
        best = max(_candidates(net, kept), key=_saved, default=[])
        if _saved(best) < LEAST_SAVED:
            return
        kept |= _rename(net, best)


def _candidates(net: FlatNetwork, kept: set[str]) -> list[list[Part]]:
    """For each pattern of prefixes, such as `conv#_block#`, the parts that it makes. `kept` are nodes in levels."""
    prefixes: dict[str, dict[str, None]] = {}
    for path in net.nodes:
        if path not in kept:
            for match in _ENDS.finditer(path):
                prefix = path[: match.end()]
                prefixes.setdefault(_NUMBER.sub("#", prefix), {})[prefix] = None
    numbered = numbered_names(net.nodes)
    found = []
    for listed in prefixes.values():
        if len(listed) > 1:
            parts = [_part(net, prefix, numbered, kept) for prefix in listed]
            found.append([part for part in parts if part is not None])
    return found


def _part(net: FlatNetwork, prefix: str, numbered: set[str], kept: set[str]) -> Part | None:
    """The part of a prefix, if its nodes lie together. Nodes with mere numbers that lie among them belong to it, and
    those after it up to the join of its branches."""
    nodes = list(net.nodes.values())
    own = [place for place, node in enumerate(nodes) if node.path == prefix or node.path.startswith(f"{prefix}_")]
    between = range(own[0], own[-1] + 1)
    inside = set(own)
    if any(place not in inside and nodes[place].path not in numbered for place in between):
        return None
    members = [nodes[place] for place in between]
    members += _up_to_join(members, nodes[own[-1] + 1 :], numbered)
    members = [*_branches(members, nodes[: own[0]], numbered, net.readers()), *members]
    if len(members) < 2 or any(node.share or node.path in kept for node in members):
        return None
    return Part(prefix, tuple(_named(members, prefix)))


def _up_to_join(members: list[FlatNode], following: list[FlatNode], numbered: set[str]) -> list[FlatNode]:
    """The nodes with mere numbers after a part that end in a join of its values."""
    paths = {node.path for node in members}
    read = paths.union(*(node.inputs for node in members))
    taken: list[FlatNode] = []
    count = 0
    for node in following:
        joins = len(node.inputs) > 1 and ops()[node.op].takes_several
        if node.path not in numbered or not set(node.inputs) <= read or (joins and paths.isdisjoint(node.inputs)):
            break
        taken.append(node)
        paths.add(node.path)
        read.add(node.path)
        if joins:
            count = len(taken)
    return taken[:count]


def _branches(
    members: list[FlatNode], before: list[FlatNode], numbered: set[str], readers: dict[str, list[str]]
) -> list[FlatNode]:
    """The nodes with mere numbers before a part that only it reads, as far as it takes for the part to read one value;
    none if that is not reached."""
    paths = {node.path for node in members}
    read = {source for node in members for source in node.inputs} - paths
    taken: list[FlatNode] = []
    for node in reversed(before):
        if len(read) <= 1 or node.path not in numbered or not paths.issuperset(readers[node.path]):
            break
        taken.append(node)
        paths.add(node.path)
        read = (read | set(node.inputs)) - paths
    return taken[::-1] if len(read) == 1 else []


def _named(members: list[FlatNode], prefix: str) -> list[tuple[str, FlatNode]]:
    """The nodes with what each is called below the prefix."""
    found: list[tuple[str, FlatNode]] = []
    taken: Counter[str] = Counter()
    for node in members:
        if node.path == prefix:
            name = _SHORT.get(node.op, node.op)
        elif node.path.startswith(f"{prefix}_"):
            name = node.path[len(prefix) + 1 :]
        else:
            name = re.sub(r"_\d+(?=_|\Z)", "", node.path.rpartition(".")[2]) or node.op
        taken[name] += 1
        found.append((name if taken[name] == 1 else f"{name}_{taken[name]}", node))
    return found


def _saved(parts: list[Part]) -> int:
    """How many lines fewer a network has with these parts as instances of blocks, about."""
    forms = Counter(part.form() for part in parts)
    return sum((count - 1) * (len(form) - 1) - 2 for form, count in forms.items() if count > 1)


def _rename(net: FlatNetwork, parts: list[Part]) -> set[str]:
    """Give the nodes of these parts their levels; the new names. A part whose names would meet others keeps its own."""
    forms = Counter(part.form() for part in parts)
    renamed: dict[str, str] = {}
    for part in parts:
        new = {node.path: f"{part.prefix}.{name}" for name, node in part.nodes}
        others = (net.nodes.keys() | net.inputs.keys()) - new.keys()
        levels = {level for path in others for level in folders(path)} | others
        clash = part.prefix in levels or any(level in others for path in new.values() for level in folders(path))
        nested = {level for path in new.values() for level in folders(path)} & set(new.values())
        if forms[part.form()] > 1 and not clash and not nested and len(set(new.values())) == len(new):
            renamed |= new
    rebuilt: dict[str, FlatNode] = {}
    for node in net.nodes.values():
        node.path = renamed.get(node.path, node.path)
        node.inputs = [renamed.get(path, path) for path in node.inputs]
        node.share = renamed.get(node.share, node.share) if node.share else None
        rebuilt[node.path] = node
    net.nodes.clear()
    net.nodes.update(rebuilt)
    net.outputs.update({name: renamed.get(path, path) for name, path in net.outputs.items()})
    return set(renamed.values())
