"""The hierarchy of a network for a picture: groups along the paths, and runs of equal neighbours in each.

Nodes are numbered in the order of the tree, so that a group is an interval of numbers. Whether two pieces are
equal is decided from the bottom up, in one pass: a piece's key says what its parts are and how they are wired.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from specgraph.analysis.describe import compact, show_value
from specgraph.analysis.outline import COUNTED, written_arguments
from specgraph.backends.view.path_tree import Branch, PathLeaf, build_tree, split_long
from specgraph.backends.view.tables import Tables
from specgraph.graph.model import Graph, Node
from specgraph.graph.partial import Partial, Unfinished
from specgraph.graph.types import TensorType
from specgraph.ops.registry import ops

Item = Branch | PathLeaf
MOST_VALUES, MOST_SAID = 4, 3


class Structure:
    """Numbers nodes and groups, and finds the runs. `marked` are paths that must stay visible: they are equal
    to nothing."""

    def __init__(self, partial: Partial, tables: Tables, marked: set[str]) -> None:
        graph = partial.graph
        self.graph: Graph = graph
        self.tables = tables
        self.marked = marked
        self.root = build_tree(partial)
        self.input_index = {name: -1 - index for index, name in enumerate(graph.inputs)}
        self.leaves: list[PathLeaf] = []
        self.branches: list[Branch] = []
        self._number(self.root)
        self.number = {leaf.path: leaf.low for leaf in self.leaves}
        self._wire()
        self._readers()
        self.keys: dict[Hashable, int] = {}
        self.leaf_keys: dict[Hashable, tuple[int, int]] = {}
        for leaf in self.leaves:
            self._name_leaf(leaf)
        for branch in reversed(self.branches):  # inner ones first
            self._describe(branch)
        changed = split_long(self.root, self._is_joint)
        for branch in changed:
            self._describe(branch)
        if changed:
            self.branches.clear()
            self.leaves.clear()
            self._number(self.root)

    # building ----------------------------------------------------------------------------------

    def _number(self, root: Branch) -> None:
        """Give every leaf its number, every branch its interval and its index, outer ones first."""
        waiting: list[tuple[Item, bool]] = [(root, False)]
        while waiting:
            item, done = waiting.pop()
            if isinstance(item, PathLeaf):
                number = len(self.leaves)
                item.low, item.high, item.exits = number, number + 1, [number]
                self.leaves.append(item)
            elif done:
                item.high = len(self.leaves)
            else:
                item.low = len(self.leaves)
                item.index = len(self.branches)
                self.branches.append(item)
                waiting.append((item, True))
                waiting.extend((child, False) for child in reversed(item.children))

    def _wire(self) -> None:
        """What every leaf reads, by number; what is not known is left out."""
        for leaf in self.leaves:
            found = (self.number.get(path, self.input_index.get(path)) for path in leaf.inputs)
            leaf.reads = [number for number in found if number is not None]

    def _readers(self) -> None:
        outputs = {self.number[path] for path in self.graph.outputs.values() if path in self.number}
        self.outputs = outputs
        self.last_reader: list[int] = [len(self.leaves) if leaf.low in outputs else -1 for leaf in self.leaves]
        for leaf in self.leaves:
            for source in leaf.reads:
                if source >= 0:
                    self.last_reader[source] = max(self.last_reader[source], leaf.low)

    def _is_joint(self, first: Item, item: Item) -> bool:
        """Whether one value alone passes from what begins with `first` to what begins with `item`."""
        passing = 0
        for number in range(first.low, item.low):
            if self.last_reader[number] >= item.low:
                passing += 1
                if passing > 1:
                    return False
        return True

    # equal pieces ------------------------------------------------------------------------------

    def _name_leaf(self, leaf: PathLeaf) -> None:
        """Give a node its variant and its keys."""
        node, reads = leaf.node, leaf.reads
        is_finished = isinstance(node, Node)
        leaf.variant = self.tables.variant(node) if isinstance(node, Node) else self.tables.unfinished(node)
        if leaf.path in self.marked:
            leaf.key = leaf.structure = self._number_of(("marked", leaf.path))
            return
        wiring = (0,) if len(reads) == 1 else tuple(reads.index(source) for source in reads)
        quick = (leaf.variant, wiring, node.train_only)
        known = self.leaf_keys.get(quick)
        if known is None:
            op = ops().get(node.op)
            share = isinstance(node, Node) and node.share is not None
            structure = key = self._number_of((node.op, wiring, node.train_only, share, is_finished))
            if is_finished and not (op is not None and op.training_only):
                key = self._number_of((structure, self.tables.variant_rows[leaf.variant]["kind"]))
            known = self.leaf_keys[quick] = structure, key
        leaf.structure, leaf.key = known
        if not is_finished:  # what its arguments are is not known: only a repeat says that it is the same
            leaf.key = self._number_of(("unfinished", leaf.path))

    def _number_of(self, content: Hashable) -> int:
        return self.keys.setdefault(content, len(self.keys))

    def _describe(self, branch: Branch) -> None:
        """A branch's reads, exits, keys and runs, from those of its children."""
        reads: dict[int, int] = {}
        wirings: list[Hashable] = []
        for child in branch.children:
            wiring = []
            for source in child.reads:
                if branch.low <= source < branch.high:
                    wiring.append(source - branch.low)
                else:
                    wiring.append(-1 - reads.setdefault(source, len(reads)))
            wirings.append((child.name, tuple(wiring)))
        branch.reads = list(reads)
        branch.exits = [
            number for child in branch.children for number in child.exits if self.last_reader[number] >= branch.high
        ]
        children = branch.children
        branch.structure = self._number_of((branch.block, tuple(wirings), tuple(c.structure for c in children)))
        branch.key = self._number_of((branch.structure, tuple(c.key for c in children)))
        branch.runs = self._runs(branch)

    def _runs(self, branch: Branch) -> list[list[Any]]:
        """Runs of equal neighbours, two or more, each feeding the next: [first child, how many, what varies].
        What is written as a repeat is one where the structure is equal, whatever its arguments."""
        children = branch.children
        is_repeat = branch.kind == "repeat"
        keys = [child.structure if is_repeat else child.key for child in children]
        runs: list[list[Any]] = []
        start = 0
        for place in range(1, len(children) + 1):
            if place < len(children) and keys[place] == keys[place - 1] and self._follows(children, place):
                continue
            if place - start > 1:
                runs.append([start, place - start, self._varies(children[start:place])])
            start = place
        return runs

    def _follows(self, children: list[Item], place: int) -> bool:
        before, item = children[place - 1], children[place]
        if len(set(item.reads)) != 1 or len(set(before.reads)) != 1:
            return False
        source = item.reads[0]
        if not before.low <= source < before.high or source in self.outputs:
            return False
        exits = [number for number in before.exits if self.last_reader[number] >= before.high]
        if exits != [source] or self.last_reader[source] >= item.high:
            return False
        if before.span == item.span:
            return True
        if COUNTED.sub("#", before.name) != COUNTED.sub("#", item.name):
            return False
        return isinstance(item, Branch) or self._type(before) == self._type(item)

    def _type(self, item: Item) -> TensorType | None:
        exits = item.exits if isinstance(item, Branch) else [item.low]
        node = self.leaves[exits[-1]].node if exits else None
        return node.output if isinstance(node, Node) else None

    def _varies(self, items: list[Item]) -> str:
        """What differs between the members of a run, in a few words: arguments, then the shape that comes out."""
        said: dict[str, None] = {}
        given = [item.arguments for item in items if isinstance(item, Branch)]
        if len(given) == len(items):
            said.update((text, None) for text in _differing(given))
        if not said and len({item.key for item in items}) > 1:
            for offset in range(items[0].high - items[0].low):
                nodes = [self.leaves[item.low + offset].node for item in items]
                said.update((text, None) for text in _differing([_plain_arguments(node) for node in nodes]))
                if len(said) >= MOST_SAID:
                    break
        types = [self._type(item) for item in items]
        shapes = [str(kind).replace("x", "×") for kind in types if kind is not None]
        if len(set(shapes)) > 1:
            said[_range(shapes)] = None
        return ", ".join(list(said)[:MOST_SAID])

    # plain data --------------------------------------------------------------------------------

    def index_of(self, path: str) -> int | None:
        """The number of a node, or of a graph input (below 0); None if there is none."""
        return self.number.get(path, self.input_index.get(path))

    def columns(self) -> dict[str, list[Any]]:
        """The nodes, a column for each of their properties."""
        tables = self.tables
        variants, spans, fields, flags, shares = [], [], [], [], {}
        for leaf in self.leaves:
            node = leaf.node
            variants.append(leaf.variant)
            fields.append(tables.field(leaf.path))
            if isinstance(node, Node) and node.share is not None and node.parameters:
                shares[leaf.low] = node.share
            spans.append(tables.span(node.span))
            flags.append((1 if node.train_only else 0) | (0 if isinstance(node, Node) else 2))
        return {
            "path": [leaf.path for leaf in self.leaves],
            "variant": variants,
            "inputs": [leaf.reads for leaf in self.leaves],
            "field": fields,
            "span": spans,
            "flags": flags,
            "shares": [[number, owner] for number, owner in shares.items()],
        }

    def groups_json(self) -> list[dict[str, Any]]:
        """The groups, outer ones first; a child is a node's number, or `-1 - group` for a group."""
        rows = []
        for branch in self.branches:
            row: dict[str, Any] = {
                "path": branch.path,
                "kind": branch.kind,
                "children": [-1 - child.index if isinstance(child, Branch) else child.low for child in branch.children],
            }
            if branch.block:
                row["block"] = branch.block
            if branch.arguments:
                row["arguments"] = {name: _shown(value) for name, value in branch.arguments.items()}
            if branch.runs:
                row["runs"] = branch.runs
            if branch.span is not None:
                row["span"] = self.tables.span(branch.span)
            rows.append(row)
        return rows


def _differing(given: list[dict[str, Any]]) -> list[str]:
    """Arguments whose values differ, each with how: `channels 32→512`."""
    found = []
    for name in given[0]:
        values = [show_value(compact(each.get(name)), name) for each in given]
        if len(set(values)) > 1:
            found.append(f"{name.replace('_', ' ')} {_range(values)}")
    return found


def _plain_arguments(node: Node | Unfinished) -> dict[str, Any]:
    return written_arguments(node) if isinstance(node, Node) else {}


def _range(values: list[str]) -> str:
    """Values in order: from the first to the last, or all where they go up and down and are few."""
    distinct = list(dict.fromkeys(values))
    numbers = [float(value) for value in distinct if value.replace(".", "", 1).isdigit()]
    turns = len(numbers) == len(distinct) and numbers not in (sorted(numbers), sorted(numbers, reverse=True))
    if turns and len(distinct) <= MOST_VALUES:
        return ", ".join(distinct)
    return f"{values[0]}→{values[-1]}" if values[0] != values[-1] else f"{values[0]}…{distinct[-1]}"


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
