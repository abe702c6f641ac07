"""What a diagram shows: boxes, clusters and edges, before any Graphviz.

A box is a unit (an operation with the normalisation and activation around it), a folded group, an
input or an output. Equal neighbours in a chain are drawn once, as ×N.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from specgraph.analysis.describe import describe, output_range
from specgraph.analysis.outline import Group, Wiring, fold_runs, item_signature, outline, shared_with, signature
from specgraph.graph.model import Graph, Node
from specgraph.graph.types import TensorType
from specgraph.ops.registry import FAMILIES, behaviour_of, ops

FOLLOWERS = ("normalisation", "activation", "regularisation")
WEIGHTED = ("convolution", "dense")


@dataclass(slots=True)
class Row:
    """One operation inside a box."""

    text: str
    family: str
    path: str
    weighted: bool = False


@dataclass(slots=True, eq=False)
class Box:
    """Something drawn as one rectangle. `parameters` counts all `times` instances; `varies` is what changes from the
    first to the last; `shares` names the owner of parameters that are another's; `faults` are lines of text that say
    what is wrong with it."""

    id: str
    title: str
    rows: list[Row]
    nodes: list[Node] = field(default_factory=list)
    parameters: int = 0
    times: int = 1
    train_only: bool = False
    shares: str = ""
    varies: str = ""
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Cluster:
    """A block drawn around its boxes; `has_skip` where its input is read at the start and further on."""

    id: str
    title: str
    block: str
    children: list[Box | Cluster]
    parameters: int = 0
    times: int = 1
    train_only: bool = False
    level: int = 0
    has_skip: bool = False
    shares: str = ""
    varies: str = ""

    @property
    def boxes(self) -> set[str]:
        """Ids of all boxes inside."""
        inside: set[str] = set()
        for child in self.children:
            inside |= child.boxes if isinstance(child, Cluster) else {child.id}
        return inside


@dataclass(slots=True)
class Edge:
    """Data flowing from one box into another; `main` where it is a node's first input, kept straight."""

    source: str
    target: str
    label: str
    train_only: bool = False
    main: bool = False


@dataclass(slots=True, eq=False)
class Picture:
    """A whole diagram. `box_of` says in which box a node or input is drawn."""

    name: str
    children: list[Box | Cluster]
    inputs: list[Box]
    outputs: list[Box]
    edges: list[Edge]
    box_of: dict[str, str]
    parameters: int

    @property
    def families(self) -> list[str]:
        """Families of the operations shown, in the order of appearance."""
        found: dict[str, None] = {}
        waiting: list[Box | Cluster] = list(reversed(self.children))
        while waiting:
            item = waiting.pop()
            if isinstance(item, Cluster):
                waiting.extend(reversed(item.children))
            else:
                found.update((row.family, None) for row in item.rows)
        return list(found)


@dataclass(slots=True, eq=False)
class _Unit:
    """Neighbouring nodes that share a box."""

    nodes: list[Node]


_Item = _Unit | Group


def family_of(node: Node) -> str:
    """Family of a node's op, as colours are chosen by it."""
    op = ops().get(node.op)
    if op is None or op.family not in FAMILIES:
        return "shape"
    return "regularisation" if op.training_only else op.family


def is_weighted(node: Node) -> bool:
    """Whether a node is a convolution or a linear layer, what boxes are about."""
    return bool(node.parameters) and family_of(node) in WEIGHTED


def show_type(kind: TensorType) -> str:
    """A shape as papers print it."""
    return str(kind).replace("x", "×")


def short_path(path: str, within: str) -> str:
    """A path as seen from inside a group."""
    return path[len(within) + 1 :] if within and path.startswith(within + ".") else path


class _Drawer:
    def __init__(self, graph: Graph, marks: Mapping[str, str]) -> None:
        self.graph = graph
        self.marks = marks
        self.wiring = Wiring(graph)
        self.root = outline(graph)
        self.box_of: dict[str, str] = {}
        self.hidden: set[str] = set()
        self.count = 0

    def new_id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def items(self, group: Group, levels: int | None) -> list[_Item]:
        """A group's children with lists and name prefixes opened in place, nodes joined to units."""
        items: list[_Item] = []
        for child in self._opened(group, levels):
            if isinstance(child, Group):
                items.append(child)
            elif items and isinstance(items[-1], _Unit) and self._joins(items[-1], child):
                items[-1].nodes.append(child)
            else:
                items.append(_Unit([child]))
        return items

    def _opened(self, group: Group, levels: int | None) -> list[Group | Node]:
        opened: list[Group | Node] = []
        for child in group.children:
            if isinstance(child, Group) and self._is_transparent(child, levels):
                opened.extend(self._opened(child, levels))
            else:
                opened.append(child)
        return opened

    def _is_transparent(self, group: Group, levels: int | None) -> bool:
        """Whether a group's children are drawn in its place, without a frame."""
        if levels is not None and levels < 0:
            return False
        if group.kind == "repeat" and repeated_block(group):
            return levels is None or levels > 0
        return group.kind != "block" or self._is_one_unit(group)

    def _is_one_unit(self, group: Group) -> bool:
        """Whether a block is drawn as a single box anyway, as conv + norm + activation is."""
        nodes = group.nodes
        if len(nodes) > 4 or any(isinstance(child, Group) for child in group.children):
            return False
        unit = _Unit([nodes[0]])
        for node in nodes[1:]:
            if not self._joins(unit, node):
                return False
            unit.nodes.append(node)
        return True

    def _joins(self, unit: _Unit, node: Node) -> bool:
        last = unit.nodes[-1]
        if node.inputs != (last.path,) or node.train_only != last.train_only or last.path in self.wiring.outputs:
            return False
        if self.wiring.readers[last.path] != [node.path] or self.marks.get(last.path) != self.marks.get(node.path):
            return False
        head = family_of(unit.nodes[0])
        family = family_of(node)
        if head == "normalisation":  # norm, activation, then the convolution they prepare, which is the last
            return not is_weighted(last) and (family in FOLLOWERS or is_weighted(node))
        if behaviour_of(node.op).view == "merged" and behaviour_of(unit.nodes[0].op).pools_map:
            return True
        return family in FOLLOWERS

    def nodes(self, item: _Item) -> Sequence[Node]:
        return item.nodes

    def key(self, item: _Item) -> Hashable:
        marks = tuple(self.marks.get(node.path) for node in item.nodes) if self.marks else ()
        return (item_signature(item) if isinstance(item, Group) else signature(item.nodes), marks)

    def draw(
        self, group: Group, levels: int | None, level: int = 0, *, sharing_said: bool = False
    ) -> list[Box | Cluster]:
        """The boxes and clusters of a group. `levels` of blocks are opened, all if it is None; below 0
        even lists stay closed. `sharing_said`: around it stands with whom it shares."""
        drawn: list[Box | Cluster] = []
        for run in fold_runs(self.items(group, levels), self.wiring, self.nodes, self.key):
            first, times = run[0], len(run)
            parameters = sum(node.num_parameters for item in run for node in item.nodes)
            owner = "" if sharing_said else self._owner(run)
            if isinstance(first, _Unit):
                drawn.append(self._unit_box(run, group, parameters, owner))
            elif levels is None or levels > 0:
                inner = None if levels is None else levels - 1
                children = self.draw(first, inner, level + 1, sharing_said=sharing_said or bool(owner))
                title = self._run_title(run, group)
                only = children[0] if len(children) == 1 else None
                if isinstance(only, Cluster) and only.times == 1:
                    only.shares = only.shares or owner
                    drawn.append(only)
                elif isinstance(only, Box) and times == 1:
                    only.title = title
                    only.shares = only.shares or owner
                    drawn.append(only)
                else:
                    drawn.append(
                        Cluster(
                            self.new_id("cluster_"), title, first.block or "", children, parameters, times,
                            all(node.train_only for node in first.nodes), level, shares=owner,
                        )
                    )  # fmt: skip
            else:
                drawn.append(self._folded_box(run, group, parameters, owner))
            drawn[-1].varies = output_range(run[0].nodes[-1], run[-1].nodes[-1])
            for item in run[1:]:
                for shown, other in zip(first.nodes, item.nodes, strict=True):
                    self.hidden.add(other.path)
                    self.box_of[other.path] = self.box_of[shown.path]
        return drawn

    def _run_title(self, run: Sequence[_Item], group: Group) -> str:
        first, last = (self._title_path(item, group) for item in (run[0], run[-1]))
        scope = self.graph.scopes.get(first.rpartition(".")[0])
        if len(run) > 1 and scope is not None and scope.kind == "repeat" and len(scope.children) == len(run):
            return short_path(scope.path, group.path)
        title = short_path(first, group.path)
        return title if len(run) == 1 else f"{title} – {_tail(last)}"

    def _title_path(self, item: _Item, group: Group) -> str:
        """The path that names an item: a group's own, of a unit its scope's or its main operation's."""
        if isinstance(item, Group):
            return item.path
        return self._whole_scope(item.nodes, group) or next(filter(is_weighted, item.nodes), item.nodes[0]).path

    def _whole_scope(self, nodes: list[Node], group: Group) -> str:
        """The path of the scope that a unit is all of, inside a group."""
        prefix = nodes[0].path.rpartition(".")[0]
        together = (
            len(nodes) > 1
            and prefix != group.path
            and len(prefix) > len(group.path)
            and all(node.path.rpartition(".")[0] == prefix for node in nodes)
            and (scope := self.graph.scopes.get(prefix)) is not None
            and scope.kind != "repeat"
            and len(scope.children) == len(nodes)
        )
        return prefix if together else ""

    def _owner(self, run: Sequence[_Item]) -> str:
        """Whose parameters the items of a run use, where they own none."""
        owners: dict[str, None] = {}
        for item in run:
            parent = item.path if isinstance(item, Group) else self._whole_scope(item.nodes, self.root)
            owners[shared_with(item.nodes, parent)] = None
        return "" if "" in owners else ", ".join(owners)

    def _unit_box(self, run: Sequence[_Item], group: Group, parameters: int, owner: str) -> Box:
        nodes = list(run[0].nodes)
        rows = [Row(describe(node), family_of(node), node.path, is_weighted(node)) for node in nodes]
        title = self._run_title(run, group)
        box = Box(self.new_id("n"), title, rows, nodes, parameters, len(run), nodes[0].train_only, owner)
        self.box_of.update((node.path, box.id) for node in nodes)
        return box

    def _folded_box(self, run: Sequence[_Item], group: Group, parameters: int, owner: str) -> Box:
        first = run[0]
        assert isinstance(first, Group)
        times = len(run)
        block = repeated_block(first)
        if first.kind == "repeat":
            times *= len({_child_of(node.path, first.path) for node in first.nodes})
        label = block.replace("_", " ") if block else f"{len(first.nodes)} layers"
        title = self._run_title(run, group)
        nodes = first.nodes
        train_only = all(node.train_only for node in nodes)
        row = Row(label, "block", first.path)
        box = Box(self.new_id("n"), title, [row], nodes, parameters, times, train_only, owner)
        self.box_of.update((node.path, box.id) for node in nodes)
        return box


def repeated_block(group: Group) -> str | None:
    """The block a group is an instance of, or consists of instances of."""
    if group.kind != "repeat":
        return group.block
    blocks = {child.block if isinstance(child, Group) else None for child in group.children}
    return blocks.pop() if len(blocks) == 1 else None


def _tail(path: str) -> str:
    return path.rpartition(".")[2]


def _child_of(path: str, group: str) -> str:
    return path[len(group) + 1 :].partition(".")[0]


def picture(graph: Graph, depth: int | None = None, marks: Mapping[str, str] | None = None) -> Picture:
    """What the diagram of a graph shows. Nodes with different `marks` never share a box.

    `depth` folds blocks nested deeper than that into one box each; lists and repeats do not count
    as levels. At depth 0 every group at the top is one box.
    """
    drawer = _Drawer(graph, marks or {})
    inputs = []
    for name in graph.inputs:
        box = Box(drawer.new_id("n"), "", [Row(name, "input", name)])
        drawer.box_of[name] = box.id
        inputs.append(box)
    children = drawer.draw(drawer.root, None if depth is None else depth - 1)
    edges: dict[tuple[str, str, str], Edge] = {}
    for node in graph.nodes.values():
        if node.path in drawer.hidden:
            continue
        target = drawer.box_of[node.path]
        for source in node.inputs:
            start = drawer.box_of[source]
            if start != target:
                main = len(node.inputs) <= 2 and source == node.inputs[0] and not node.train_only
                edge = Edge(start, target, show_type(graph.type_of(source)), node.train_only, main)
                edges.setdefault((start, target, source), edge)
    fan_out: dict[str, int] = {}
    for edge in edges.values():
        fan_out[edge.source] = fan_out.get(edge.source, 0) + (not edge.train_only)
    for edge in edges.values():
        edge.main = edge.main and fan_out[edge.source] <= 2
    outputs = []
    several = len(graph.outputs) > 1
    for name, path in graph.outputs.items():
        box = Box(drawer.new_id("n"), "", [Row(name if several else "output", "input", path)])
        outputs.append(box)
        train_only = path in graph.nodes and graph.nodes[path].train_only
        box.train_only = train_only
        kind = graph.type_of(path)
        edges[(drawer.box_of[path], box.id, path)] = Edge(drawer.box_of[path], box.id, show_type(kind), train_only)
    _mark_skips(children, list(edges.values()))
    name = graph.name or "network"
    return Picture(name, children, inputs, outputs, list(edges.values()), drawer.box_of, graph.num_parameters)


def count_boxes(picture: Picture) -> int:
    """How many boxes a picture has."""
    count, waiting = len(picture.inputs) + len(picture.outputs), [*picture.children]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Box):
            count += 1
        else:
            waiting += item.children
    return count


def _mark_skips(children: list[Box | Cluster], edges: list[Edge]) -> None:
    for child in children:
        if isinstance(child, Cluster):
            inside = child.boxes
            entries = {edge.target for edge in edges if edge.target in inside and edge.source not in inside}
            child.has_skip = len(entries) == 2
            _mark_skips(child.children, edges)
