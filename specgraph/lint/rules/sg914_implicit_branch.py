"""SG914 implicit-branch: a join of two nodes, one of which reads the other through an unwritten `from`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.model import Label
from specgraph.diagnostics.rule import Rule
from specgraph.lint.layers import is_activation, is_normalisation
from specgraph.ops.registry import behaviour_of

if TYPE_CHECKING:
    from specgraph.language.document import Body, Document, NodeDef
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG914",
    name="implicit-branch",
    severity="warning",
    summary="a join of two nodes, one of which reads the other through an unwritten `from`",
    explanation="""\
A node without `from` reads the one before it. In a module of branches a forgotten `from: input` makes a
branch continue the one above it: every shape stays right, and the network is another. Where this is
meant (a skip connection), writing that `from` says so and ends the warning. Not reported are skips around an
upsampling, as in a U-Net, and a sum or product of a value and of a branch of it that has an activation or attention:
that is what a residual connection or a gate is. A sum with a branch that has none is as linear as one layer, and is
reported.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 28, 28]}
nodes:
  left: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  right: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  relu: relu
  concat: {op: concat, from: [left, relu]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 28, 28]}
nodes:
  left: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  right: {op: conv, from: image, out_channels: 8, kernel_size: 3, padding: 1}
  relu: relu
  concat: {op: concat, from: [left, relu]}
""",
)

MAX_DEPTH = 4
MAX_STEPS = 300_000
"""Nodes looked at in one file: after that many, joins of nodes that lie far apart are not followed."""


def check(lint: Lint) -> None:
    from specgraph.language.traversal import bodies

    live = set(lint.by_definition)
    steps = MAX_STEPS
    for block, body in bodies(lint.document):
        if not body.is_chain:
            joins = [node for node in body.nodes if id(node) in live and _names(node) and not _takes_size(lint, node)]
            if joins:
                source = block.inputs[0] if block is not None else next(iter(lint.graph.inputs))
                steps = _check_body(lint, body, joins, source, steps)


def _check_body(lint: Lint, body: Body, joins: list[NodeDef], source: str, steps: int) -> int:
    previous = _previous(body)
    followers = {id(before): node for node in body.nodes if (before := previous.get(id(node))) is not None}
    position = {id(node): index for index, node in enumerate(body.order)}
    enlarging: dict[int, bool] = {}
    for join in joins:
        operands = [found for name in _names(join) if (found := body.find(name)) is not None and found is not join]
        readers = {
            id(operand): reader
            for operand in operands
            if (reader := followers.get(id(operand))) is not None and reader is not join and reader.when is None
        }
        if not readers:
            continue
        first = min(position[id(reader)] for reader in readers.values())
        waiting, seen = list(operands), {id(operand) for operand in operands}
        while waiting and steps > 0:
            steps -= 1
            node = waiting.pop()
            if position[id(node)] <= first or _enlarges(node, lint.document, enlarging):
                continue
            for found in (previous.get(id(node)), *(body.find(name) for name in _read_by(node))):
                if found is not None and id(found) not in seen:
                    seen.add(id(found))
                    waiting.append(found)
        for operand in operands:
            reader = readers.pop(id(operand), None)
            if reader is None or id(reader) not in seen or _is_dense(lint, join, reader):
                continue
            if not _is_residual(lint, join, operand):
                _report(lint, join, operand, reader, source)
    return steps


def _takes_size(lint: Lint, join: NodeDef) -> bool:
    """Whether a node takes no more than a size from its second input."""
    return lint.behaviour(lint.by_definition[id(join)][0]).joins == "size"


def _is_residual(lint: Lint, join: NodeDef, operand: NodeDef) -> bool:
    """Whether a node sums or multiplies two values, one of them through an activation or attention."""
    node, names = lint.by_definition[id(join)][0], _names(join)
    if (
        lint.behaviour(node).joins not in ("sum", "product")
        or len(names) != 2
        or len(node.inputs) != 2
        or operand.name not in names
    ):
        return False
    if node.input_types[0].dims != node.input_types[1].dims:
        return True  # with a forgotten `from` all shapes stay the same
    start = node.inputs[names.index(operand.name)]
    path = node.inputs[1 - names.index(operand.name)]
    activated = False
    while path != start and path in lint.graph.nodes:
        inner = lint.graph.nodes[path]
        activated = activated or is_activation(inner) or lint.behaviour(inner).joins == "queries"
        path = inner.inputs[0] if inner.inputs else ""
    return path == start and activated


def _is_dense(lint: Lint, join: NodeDef, reader: NodeDef) -> bool:
    """Whether a concat is that of a dense layer: its branch begins with a normalisation or an activation."""
    if lint.behaviour(lint.by_definition[id(join)][0]).joins != "axis":
        return False
    nodes = lint.by_definition.get(id(reader), [])
    return bool(nodes) and all(is_activation(node) or is_normalisation(node) for node in nodes)


def _names(node: NodeDef) -> list[str]:
    """Names that a join reads; empty for anything else."""
    written = node.sources
    if node.kind != "op" or written is None or not written.constant or not isinstance(written.value, list):
        return []
    return [str(name) for name in written.value] if len(written.value) > 1 else []


def _previous(body: Body) -> dict[int, NodeDef]:
    """For each node without `from`, the sibling it reads (the scope's input if there is none)."""
    previous: dict[int, NodeDef] = {}
    last: NodeDef | None = None
    for node in body.nodes:
        if last is not None and _reads_previous(node):
            previous[id(node)] = last
        if not node.stands_aside:
            last = node
    return previous


def _reads_previous(node: NodeDef) -> bool:
    while node.sources is None and node.body is not None and node.body.is_chain and node.body.nodes:
        node = node.body.nodes[0]
    return node.sources is None and not node.is_source


def _enlarges(node: NodeDef, document: Document, known: dict[int, bool], depth: int = 0) -> bool:
    """Whether a node is an upsampling, or a block or chain that holds one."""
    found = known.get(id(node))
    if found is None:
        target, body = node.target, node.body
        if target is not None and target.constant and node.kind == "block" and depth < MAX_DEPTH:
            alias, _, name = str(target.value).rpartition(".")
            home = document.includes.get(alias) if alias else document
            block = home.blocks.get(name) if home is not None else None
            if block is not None:
                body, document = block.body, block.document
        if body is not None:
            found = any(_enlarges(inner, document, known, depth + 1) for inner in body.nodes)
        else:
            found = target is not None and target.constant and behaviour_of(str(target.value)).enlarges
        known[id(node)] = found
    return found


def _read_by(node: NodeDef) -> list[str]:
    """Names a node reads, its own or those of the first entry of a chain."""
    while node.sources is None and node.body is not None and node.body.nodes:
        node = node.body.nodes[0]
    if node.sources is None or not node.sources.constant:
        return []
    value = node.sources.value
    return [str(name) for name in value] if isinstance(value, list) else [str(value)]


def _report(lint: Lint, join: NodeDef, operand: NodeDef, reader: NodeDef, source: str) -> None:
    span = reader.source.span(reader.place)
    lint.report(
        "implicit-branch",
        f"node `{reader.name}` reads `{operand.name}` because it says nothing else, and `{join.name}` joins both",
        span,
        labels=(Label(join.source.span(join.place), f"joins `{operand.name}` with what comes of `{reader.name}`"),),
        help=f"write from: {source} for a branch of its own, or from: {operand.name} if this is meant",
    )
