"""The hierarchy of a network for a picture: groups along the paths, and runs of equal neighbours in each.

Nodes are numbered in the order of the tree, so that a group is an interval of numbers. Whether two pieces are
equal is decided from the bottom up, in one pass: a piece's key says what its parts are and how they are wired.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from specgraph.analysis.outline import COUNTED
from specgraph.backends.view.tables import Tables
from specgraph.backends.view.tree import Branch, Leaf, build_tree, split_long
from specgraph.graph.model import Graph, Node
from specgraph.graph.partial import Partial
from specgraph.graph.types import TensorType
from specgraph.ops.registry import ops

Item = Branch | Leaf
MOST_VALUES = 4


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
        self.leaves: list[Leaf] = []
        self.branches: list[Branch] = []
        self._number(self.root)
        self.number = {leaf.path: leaf.low for leaf in self.leaves}
        self._wire()
        self._readers()
        self.keys: dict[Hashable, int] = {}
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
            if isinstance(item, Leaf):
                item.low, item.high = len(self.leaves), len(self.leaves) + 1
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

    def _key(self, item: Item) -> int:
        if isinstance(item, Branch):
            return item.key
        if item.path in self.marked:
            content: Hashable = ("marked", item.path)
        else:
            node = item.node
            op = ops().get(node.op)
            kind = -1
            if isinstance(node, Node) and not (op is not None and op.training_only):
                kind = self.tables.variant_rows[self.tables.variant(node)]["kind"]
            share = node.share is not None if isinstance(node, Node) else False
            first: dict[int, int] = {}
            wiring = tuple(first.setdefault(source, len(first)) for source in item.reads)
            content = (node.op, kind, wiring, node.train_only, share, isinstance(node, Node))
        return self.keys.setdefault(content, len(self.keys))

    def _describe(self, branch: Branch) -> None:
        """A branch's reads, exits, key and runs, from those of its children."""
        reads: dict[int, int] = {}
        parts: list[Hashable] = []
        keys = [self._key(child) for child in branch.children]
        for child, key in zip(branch.children, keys, strict=True):
            wiring = []
            for source in child.reads:
                if branch.low <= source < branch.high:
                    wiring.append(source - branch.low)
                else:
                    wiring.append(-1 - reads.setdefault(source, len(reads)))
            parts.append((child.name, key, tuple(wiring)))
        branch.reads = list(reads)
        branch.exits = [
            number for child in branch.children for number in child.exits if self.last_reader[number] >= branch.high
        ]
        branch.key = self.keys.setdefault((branch.block, tuple(parts)), len(self.keys))
        branch.runs = self._runs(branch, keys)

    def _runs(self, branch: Branch, keys: list[int]) -> list[list[Any]]:
        """Runs of equal neighbours, two or more, each feeding the next: [first child, how many, what varies]."""
        children = branch.children
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
        said = []
        arguments = [item.arguments for item in items if isinstance(item, Branch)]
        if len(arguments) == len(items):
            for name in arguments[0]:
                values = [str(given.get(name)) for given in arguments]
                if len(set(values)) > 1:
                    said.append(f"{name} {_range(values)}")
        types = [self._type(item) for item in items]
        shapes = [str(kind).replace("x", "×") for kind in types if kind is not None]
        if len(set(shapes)) > 1:
            said.append(_range(shapes))
        return ", ".join(said)

    # plain data --------------------------------------------------------------------------------

    def index_of(self, path: str) -> int | None:
        """The number of a node, or of a graph input (below 0); None where there is none."""
        return self.number.get(path, self.input_index.get(path))

    def columns(self) -> dict[str, list[Any]]:
        """The nodes, a column for each thing that is said of them."""
        tables = self.tables
        variants, spans, fields, flags, shares = [], [], [], [], {}
        for leaf in self.leaves:
            node = leaf.node
            if isinstance(node, Node):
                variants.append(tables.variant(node))
                fields.append(tables.field(node.path))
                if node.share is not None and node.parameters:
                    shares[leaf.low] = node.share
            else:
                variants.append(tables.unfinished(node))
                fields.append(-1)
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


def _range(values: list[str]) -> str:
    distinct = list(dict.fromkeys(values))
    if len(distinct) <= 2 or len(distinct) > MOST_VALUES:
        return f"{values[0]}→{values[-1]}"
    return ", ".join(distinct)


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
