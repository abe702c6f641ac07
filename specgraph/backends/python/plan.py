"""The plan of an emitted file: which classes there are and what stands in each.

Blocks become classes, innermost first. A chain becomes an `nn.Sequential` in its place, a group that
cannot be called as one a container whose members the surrounding forward calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from specgraph.analysis.outline import Group
from specgraph.backends.python.emitted_classes import ClassPlan, Instance, plan_class, split_by_form
from specgraph.backends.python.opened_groups import Opening, groups_of
from specgraph.backends.python.pieces import CALL, ClassBody, Flow, Member, Piece, in_order
from specgraph.backends.python.values import ConstructorCall, from_construct, to_text
from specgraph.backends.torch.compile import class_name
from specgraph.backends.torch.lowering import Lowering, lowerings
from specgraph.graph.model import Graph, Node
from specgraph.ops.registry import ops

TENSORS = ("nn.Parameter", "nn.Buffer")
"""What stands at a node's path and is not a module."""


class Unstructured(Exception):
    """The graph's structure cannot be classes; emit it flat."""


@dataclass(slots=True, eq=False)
class Function:
    """A small module class for a pure function inside an `nn.Sequential`."""

    name: str
    op: str
    expression: str


@dataclass(slots=True, eq=False)
class Plan:
    """Everything to emit. `indexed` are paths of containers whose members are reached by number."""

    graph: Graph
    flow: Flow
    root: ClassBody
    classes: list[ClassPlan] = field(default_factory=list)
    functions: dict[str, Function] = field(default_factory=dict)
    helpers: dict[str, None] = field(default_factory=dict)
    indexed: set[str] = field(default_factory=set)
    root_name: str = "Network"


class Planner:
    """Builds the plan of one graph. With `flat` every group is a container and there is one class; `opened`
    are groups that must be containers."""

    def __init__(self, graph: Graph, *, flat: bool = False, opened: Iterable[str] = ()) -> None:
        self.graph = graph
        self.flow = Flow(graph)
        self.opening = Opening(graph, self.flow, everything=flat, opened=opened)
        self.plan = Plan(graph, self.flow, ClassBody(self.opening.root, [], [], [], []))
        self.calls: dict[str, ConstructorCall] = {}
        self.inlined: set[str] = set()
        self.names: set[str] = {"Container", "OrderedDict", "Tensor"}
        self.bodies: dict[str, ClassBody] = {}

    def run(self) -> Plan:
        """The finished plan. Raises Unstructured."""
        self.plan.root_name = self._class_name(self.graph.name or "network")
        families: dict[str, list[Group]] = {}
        for group in groups_of(self.opening.root):
            if self._is_called(group) and group.kind == "block" and group.block:
                families.setdefault(group.block, []).append(group)
        heights = {block: max(map(_height, groups)) for block, groups in families.items()}
        for block in sorted(families, key=lambda name: heights[name]):
            self._plan_family(block, families[block])
        self.plan.root = self._body(self.opening.root)
        return self.plan

    def without_owner(self) -> set[str]:
        """Groups that were to call another's modules as one, and cannot: the other is no module that runs."""
        return {path for path, owner in self.opening.shared.items() if owner in self.opening.opened}

    def _is_called(self, group: Group) -> bool:
        path = group.path
        shared = any(path == around or path.startswith(f"{around}.") for around in self.opening.shared)
        return path not in self.opening.opened and not shared

    # classes -----------------------------------------------------------------------------------

    def _plan_family(self, block: str, groups: list[Group]) -> None:
        chains = [self._sequential(group, self._body(group)) for group in groups]
        instances = [self._instance(group, chain) for group, chain in zip(groups, chains, strict=True)]
        variants = split_by_form(instances)
        if all(chain is not None for chain in chains) and (len(variants) > 1 or len(instances) == 1):
            self.inlined.update(group.path for group in groups)
            return
        for variant in variants:
            name = self._class_name(block.rpartition(".")[2])
            self.plan.classes.append(plan_class(name, block, variant))
        for group, instance in zip(groups, instances, strict=True):
            self.calls[group.path] = instance.call

    def _instance(self, group: Group, chain: ConstructorCall | None) -> Instance:
        body = self._body(group)
        if chain is not None and group.path in self.plan.indexed:
            members = [Member(str(index), value) for index, value in enumerate(chain.args)]
            body = ClassBody(group, members, body.pieces, body.reads, body.gives)
        scope = self.graph.scopes.get(group.path)
        arguments = scope.arguments if scope is not None else {}
        return Instance(body, ConstructorCall(""), arguments, [self.graph.type_of(path) for path in body.reads])

    def _class_name(self, text: str) -> str:
        base = name = class_name(text)
        count = 2
        while name in self.names:
            name, count = f"{base}{count}", count + 1
        self.names.add(name)
        return name

    # the inside of a group ---------------------------------------------------------------------

    def _body(self, group: Group) -> ClassBody:
        known = self.bodies.get(group.path)
        if known is not None:
            return known
        members: list[Member] = []
        pieces: list[Piece] = []
        for child in group.children:
            value, inner = self._child(child)
            name = child.path[len(group.path) :].lstrip(".")
            if value is not None:
                members.append(Member(name, value))
            pieces += inner
        nodes = group.nodes
        reads = self.flow.sources(nodes) if group.path else list(self.graph.inputs)
        gives = self.flow.exits(nodes) if group.path else list(self.graph.outputs.values())
        wanted = [piece for piece in pieces if any(path in self.flow.needed for path in piece.gives)]
        ordered = in_order(wanted, reads)
        if ordered is None:
            raise Unstructured(group.path)
        body = ClassBody(group, members, ordered, reads, gives)
        self.bodies[group.path] = body
        return body

    def _child(self, child: Group | Node) -> tuple[Any, list[Piece]]:
        """What the constructor assigns for a child, and what the forward calls."""
        if isinstance(child, Node):
            piece = self._node(child)
            return piece.value, [piece]
        owner = self.opening.shared.get(child.path)
        if owner is not None:
            return None, [self._called(child, None, owner)]
        if child.path in self.opening.opened:
            return self._container(child)
        call = self.calls.get(child.path)
        if call is None:
            body = self._body(child)
            call = self._sequential(child, body)
            if call is None:
                self.opening.opened.add(child.path)
                return self._container(child)
        return call, [self._called(child, call, "")]

    def _called(self, group: Group, value: ConstructorCall | None, owner: str) -> Piece:
        nodes = group.nodes
        return Piece(
            group.path, self.flow.sources(nodes), self.flow.exits(nodes), value, CALL,
            all(node.train_only for node in nodes), "block", owner, nodes=nodes,
        )  # fmt: skip

    def _node(self, node: Node) -> Piece:
        lowering: Lowering = lowerings()[node.op](node)
        owner = node.share if node.share and node.parameters else ""
        value = None
        if lowering.module is not None and not owner:
            value = from_construct(lowering.module)
            self._note_helpers(value)
        op = ops().get(node.op)
        is_tensor = lowering.module is not None and lowering.module.target in TENSORS
        expression = lowering.expression
        return Piece(
            node.path, list(node.inputs), [node.path], value, expression, node.train_only,
            op.family if op else "", owner or "", is_tensor, nodes=[node],
        )  # fmt: skip

    def _note_helpers(self, value: ConstructorCall) -> None:
        if "." not in value.target:
            self.plan.helpers[value.target] = None
            self.names.add(value.target)
        for item in (*value.args, *value.kwargs.values()):
            if isinstance(item, ConstructorCall):
                self._note_helpers(item)

    def _container(self, group: Group) -> tuple[Any, list[Piece]]:
        """A container for the group's members, and their pieces for the surrounding forward."""
        members: dict[str, Any] = {}
        pieces: list[Piece] = []
        for child in group.children:
            value, inner = self._child(child)
            if value is not None:
                members[child.path[len(group.path) + 1 :]] = value
            pieces += inner
        if not members:
            return None, pieces
        calls = all(isinstance(v, ConstructorCall) and v.target not in TENSORS for v in members.values())
        if calls and list(members) == [str(index) for index in range(len(members))]:
            self.plan.indexed.add(group.path)
            return ConstructorCall("nn.ModuleList", list(members.values())), pieces
        return ConstructorCall("Container", [], members), pieces

    # chains ------------------------------------------------------------------------------------

    def _sequential(self, group: Group, body: ClassBody) -> ConstructorCall | None:
        """The group as an `nn.Sequential`, or None where it is not a plain chain."""
        if len(body.reads) != 1 or len(body.gives) != 1 or not body.pieces:
            return None
        if any(node.path not in self.flow.needed for node in group.nodes):
            return None
        if len({piece.train_only for piece in body.pieces}) > 1 or not body.members:
            return None
        current = body.reads[0]
        items: dict[str, Any] = {}
        for piece in body.pieces:
            if piece.reads != [current]:
                return None
            name = piece.path[len(group.path) + 1 :]
            if "." in name:
                return None
            if piece.is_plain_call:
                items[name] = piece.value
            elif piece.is_function and group.kind != "prefix":
                items[name] = ConstructorCall(self._function(piece), own=True)
            else:
                return None
            current = piece.gives[0]
        if current != body.gives[0]:
            return None
        if list(items) == [str(index) for index in range(len(items))]:
            self.plan.indexed.add(group.path)
            return ConstructorCall("nn.Sequential", list(items.values()))
        if group.kind == "block" and any(piece.is_function for piece in body.pieces):
            return None
        return ConstructorCall("nn.Sequential", [ConstructorCall("OrderedDict", [], items)])

    def _function(self, piece: Piece) -> str:
        expression = piece.expression.replace("{inputs}", "{0}")
        known = self.plan.functions.get(expression)
        if known is None:
            op = piece.nodes[0].op
            known = Function(self._class_name(op), op, expression)
            self.plan.functions[expression] = known
        return known.name


def _height(group: Group) -> int:
    """How many blocks are nested in a group, at most."""
    inner = [_height(child) for child in group.children if isinstance(child, Group)]
    return max(inner, default=0) + (group.kind == "block")


def make_plan(graph: Graph) -> Plan:
    """The plan of a graph: in classes, or flat where its structure cannot be classes."""
    opened: set[str] = set()
    while True:
        planner = Planner(graph, opened=opened)
        try:
            plan = planner.run()
        except Unstructured:
            return Planner(graph, flat=True).run()
        lost = planner.without_owner()
        if not lost:
            return plan
        opened |= lost


__all__ = ["Plan", "make_plan", "to_text"]
