"""Repeated structure written as blocks: groups alike in names, ops and wiring are one block's
instances; what differs between them becomes its arguments; numbered chains become repeats."""

from __future__ import annotations

import re
from typing import Any

from specgraph.importers.explicit import joined_sources, with_source
from specgraph.importers.flat import FlatNetwork, FlatNode
from specgraph.importers.found_blocks import FoundBlock
from specgraph.importers.name_tree import Entry, NameGroup, NameLeaf, build_tree, groups
from specgraph.importers.naming import folders
from specgraph.importers.spec_text import add_outputs, header, plain
from specgraph.ops.registry import ops

SHORT_CHAIN = 3


def _better_as_list(group: NameGroup) -> bool:
    """Whether a group reads better as a list than as a block: a chain of blocks, or of a few nodes."""
    if not group.is_chain:
        return False
    leaves = [isinstance(entry, NameLeaf) for entry in group.entries]
    return not any(leaves) or (all(leaves) and len(leaves) <= SHORT_CHAIN)


class Unwritable(Exception):
    """A part of a network that cannot be written with blocks: `path`, a value that no name of its scope reaches."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Known(dict[str, str]):
    """What paths are called in a scope. A value inside an entry of it goes by the entry's name and its own below."""

    def __missing__(self, path: str) -> str:
        for folder in reversed(folders(path)):
            if folder in self:
                return self[folder] + path[len(folder) :]
        raise Unwritable(path)

    def enter(self, entry: Entry) -> None:
        """Name an entry, and the value that it stands for."""
        self[entry.output] = entry.name
        self[entry.path] = entry.name


class Writer:
    """Writes the tree of a network as the plain data of a spec; the levels `apart` node by node."""

    def __init__(
        self, net: FlatNetwork, names: dict[str, str] | None = None, apart: frozenset[str] = frozenset()
    ) -> None:
        self.net = net
        self.entries = build_tree(net, apart)
        self.joined = joined_sources(net)
        self.given_names = names or {}
        self.blocks: dict[str, FoundBlock] = {}
        self._find_blocks()
        self.written: dict[str, Any] = {}

    def _find_blocks(self) -> None:
        alike: dict[str, list[NameGroup]] = {}
        for group in groups(self.entries):
            alike.setdefault(group.signature, []).append(group)
        taken: set[str] = set()
        for instances in alike.values():
            if len(instances) < 2 or _better_as_list(instances[0]) or self._is_block(instances, taken):
                continue
            for stem, part in _by_stem(instances).items():  # `block17_3` and `block8_3` of one form, with other sizes
                if 1 < len(part) < len(instances):
                    for group in part:
                        group.signature += stem
                    self._is_block(part, taken)

    def _is_block(self, instances: list[NameGroup], taken: set[str]) -> bool:
        """Note that groups are instances of one block, if it needs few arguments."""
        block = FoundBlock(self._block_name(instances, taken), instances)
        if block.expressible:
            taken.add(block.name)
            self.blocks[instances[0].signature] = block
        return block.expressible

    def _block_name(self, instances: list[NameGroup], taken: set[str]) -> str:
        first = instances[0]
        base = self.given_names.get(first.path, "").split(".")[-1] or _stem(first.path)
        name, number = base, 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        return name

    def spec(self) -> dict[str, Any]:
        """The whole spec."""
        spec = header(self.net)
        inputs = list(self.net.inputs)
        nodes = self._scope(self.entries, Known({path: path for path in inputs}), inputs, None)
        blocks = {block.name: self._block(block) for block in self.blocks.values() if block.name in self.written}
        if blocks:
            spec["blocks"] = blocks
        spec["nodes"] = nodes
        add_outputs(spec, self.net)
        if "outputs" in spec:
            spec["outputs"] = {name: self._top[path] for name, path in spec["outputs"].items()}
        return spec

    def _block(self, block: FoundBlock) -> dict[str, Any]:
        group = block.instances[0]
        written: dict[str, Any] = {}
        if block.arguments:
            written["args"] = list(block.arguments)
        names = ["input"] if len(group.inputs) == 1 else [f"input{index}" for index in range(len(group.inputs))]
        if len(names) > 1:
            written["inputs"] = names
        known = Known(zip(group.inputs, names, strict=True))
        if self._listable(group):
            listed = self._chain(group, known, group.inputs[0], (block, group))
            written["nodes"] = listed if isinstance(listed, list) else [listed]
        else:
            written["nodes"] = self._scope(group.entries, known, list(group.inputs), (block, group))
        last = group.entries[-1].output
        if last != group.output:
            written["output"] = known[group.output]
        return written

    def _scope(
        self,
        entries: list[Entry],
        known: Known,
        inputs: list[str],
        within: tuple[FoundBlock, NameGroup] | None,
    ) -> dict[str, Any]:
        """The nodes of one scope. `known` maps paths to names in it, and grows."""
        nodes: dict[str, Any] = {}
        previous = inputs[0] if len(inputs) == 1 else None
        position = 0
        while position < len(entries):
            entry = entries[position]
            count = self._repeated(entries, position, within)
            if count > 1:
                assert isinstance(entry, NameGroup)
                last = entries[position + count - 1]
                stem, start = _numbered(entry.name)
                shift = "index" if start == 0 else f"index + {start}"
                item = self._instance(entries[position : position + count], known, previous, within)
                nodes[f"{stem}$({shift})"] = item if previous not in self.joined else with_source(item, known[previous])
                for instance in entries[position : position + count]:
                    known.enter(instance)
                previous = last.output
                position += count
                continue
            if isinstance(entry, NameLeaf):
                item = self._leaf(entry.node, known, previous, within)
            elif entry.signature in self.blocks:
                item = self._instance([entry], known, previous, within)
            elif self._listable(entry):
                item = self._chain(entry, known, previous, within)
            else:
                inner = [_renamed_copy(inside, f"{entry.name}.{inside.name}") for inside in entry.entries]
                entries = [*entries[:position], *inner, *entries[position + 1 :]]
                continue
            known.enter(entry)
            position += 1
            if not entry.inputs and isinstance(entry, NameLeaf):
                nodes[entry.name] = item
                continue
            nodes[entry.name] = item if previous not in self.joined else with_source(item, known[previous])
            previous = entry.output
        if within is None:
            self._top = known
        return nodes

    def _leaf(
        self, node: FlatNode, known: Known, previous: str | None, within: tuple[FoundBlock, NameGroup] | None
    ) -> Any:
        mapping: dict[str, Any] = {"op": node.op}
        if ops()[node.op].takes_several and len(node.inputs) > 1:
            mapping["from"] = [known[source] for source in node.inputs]
        elif node.inputs and node.inputs != [previous]:
            mapping["from"] = known[node.inputs[0]]
        for name in self._stated(node, within):
            mapping[name] = self._value(node, name, within)
        if node.share:
            mapping["share"] = known[node.share]
        return node.op if len(mapping) == 1 else mapping

    def _stated(self, node: FlatNode, within: tuple[FoundBlock, NameGroup] | None) -> list[str]:
        names = list(node.arguments)
        if within:
            block, group = within
            path = node.path[len(group.path) + 1 :]
            names += [name for where, name in block.stands_for if where == path and name not in names]
        return names

    @staticmethod
    def _value(node: FlatNode, name: str, within: tuple[FoundBlock, NameGroup] | None) -> Any:
        if within:
            block, group = within
            text = block.stands_for.get((node.path[len(group.path) + 1 :], name))
            if text is not None:
                return text
        return plain(node.arguments[name])

    def _instance(
        self, run: list[Entry], known: Known, previous: str | None, within: tuple[FoundBlock, NameGroup] | None
    ) -> dict[str, Any]:
        """An instance of a block, or a repeat of several."""
        first = run[0]
        assert isinstance(first, NameGroup)
        block = self.blocks[first.signature]
        self.written[block.name] = True
        mapping: dict[str, Any] = {"block": block.name}
        if len(run) > 1:
            mapping["repeat"] = len(run)
        if list(first.inputs) != [previous]:
            sources = [known[source] for source in first.inputs]
            mapping["from"] = sources[0] if len(sources) == 1 else sources
        for name in block.arguments:
            values = [self._argument(block, name, entry, within) for entry in run]
            if all(value == values[0] for value in values):
                mapping[name] = values[0]
            else:
                mapping[name] = f"$({_literal(values[0])} if index == 0 else {_literal(values[1])})"
        return mapping

    def _argument(self, block: FoundBlock, name: str, entry: Entry, within: tuple[FoundBlock, NameGroup] | None) -> Any:
        """The value of a block's argument for one instance, by the enclosing block's own arguments
        where it varies there."""
        assert isinstance(entry, NameGroup)
        if within:
            outer, group = within
            where, argument = next(position for position, text in block.stands_for.items() if text == f"${name}")
            path = f"{entry.path}.{where}"[len(group.path) + 1 :]
            text = outer.stands_for.get((path, argument))
            if text is not None:
                return text
        return block.arguments[name][entry.path]

    def _chain(
        self, group: NameGroup, known: Known, previous: str | None, within: tuple[FoundBlock, NameGroup] | None
    ) -> Any:
        """A numbered chain as a list, or as one repeat where all of it is alike."""
        listed: list[Any] = []
        inner = Known(known)
        before = previous
        position = 0
        while position < len(group.entries):
            entry = group.entries[position]
            count = self._repeated(group.entries, position, within, numbered=True)
            if isinstance(entry, NameLeaf):
                item = self._leaf(entry.node, inner, before, within)
            elif entry.signature in self.blocks:
                run = group.entries[position : position + count]
                item = self._instance(run, inner, before, within)
                if count == len(group.entries) > 1:
                    return item
            else:
                item = self._chain(entry, inner, before, within)
                item = item if isinstance(item, list) else [item]
            listed.append(item)
            for instance in group.entries[position : position + count]:
                inner.enter(instance)
            position += count
            before = group.entries[position - 1].output
        return listed

    def _listable(self, group: NameGroup) -> bool:
        """Whether a group can be written as a list: a chain of nodes, instances and such lists."""
        return group.is_chain and all(
            isinstance(entry, NameLeaf) or entry.signature in self.blocks or self._listable(entry)
            for entry in group.entries
        )

    def _repeated(
        self,
        entries: list[Entry],
        position: int,
        within: tuple[FoundBlock, NameGroup] | None,
        *,
        numbered: bool = False,
    ) -> int:
        """How many entries from `position` on are a chain of instances of one block with consecutive
        numbers and the same arguments (the first may differ)."""
        first = entries[position]
        if not isinstance(first, NameGroup) or first.signature not in self.blocks or len(first.inputs) != 1:
            return 1
        stem, start = _numbered(first.name)
        if start is None or (not numbered and not stem):
            return 1
        block = self.blocks[first.signature]
        count = 1
        later: list[Any] | None = None
        own = [self._argument(block, name, first, within) for name in block.arguments]
        while position + count < len(entries):
            entry = entries[position + count]
            if not isinstance(entry, NameGroup) or entry.signature != first.signature:
                break
            if entry.name != f"{stem}{start + count}" or list(entry.inputs) != [entries[position + count - 1].output]:
                break
            values = [self._argument(block, name, entry, within) for name in block.arguments]
            if later is None:
                if values != own and not (
                    all(_simple(a) and _simple(b) for a, b in zip(values, own, strict=True)) and position == 0
                ):
                    break
                later = values
            elif values != later:
                break
            count += 1
        if count == 2 and later != own:
            return 1
        return count


def _renamed_copy(entry: Entry, name: str) -> Entry:
    if isinstance(entry, NameLeaf):
        return NameLeaf(name, entry.node)
    return NameGroup(name, entry.path, entry.entries, entry.inputs, entry.output, entry.signature)


def _numbered(name: str) -> tuple[str, int | None]:
    """`denselayer12` as (`denselayer`, 12)."""
    match = re.fullmatch(r"(.*?)(0|[1-9]\d*)", name)
    return (match[1], int(match[2])) if match else (name, None)


def _simple(value: Any) -> bool:
    return isinstance(value, (int, float, bool))


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _by_stem(instances: list[NameGroup]) -> dict[str, list[NameGroup]]:
    """Groups by what their names have before the last number."""
    found: dict[str, list[NameGroup]] = {}
    for group in instances:
        found.setdefault(_stem(group.path), []).append(group)
    return found


def _stem(path: str) -> str:
    """A block's name from an instance's path: without numbers and trailing single letters."""
    *parents, last = path.split(".")
    stem = re.sub(r"[._-]?\d+[a-z]?$", "", last)
    if stem:
        return stem
    parent = next((found for name in reversed(parents) if (found := re.sub(r"[._-]?\d+[a-z]?$", "", name))), "")
    return f"{parent}_block" if parent else "block"


def to_block_spec(
    net: FlatNetwork, names: dict[str, str] | None = None, apart: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """A network as the plain data of a spec, repeated structure as blocks. `names` gives names for the
    blocks of known instances, by path; the levels `apart` are written node by node."""
    return Writer(net, names, apart).spec()
