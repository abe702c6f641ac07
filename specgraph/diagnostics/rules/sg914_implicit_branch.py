"""SG914 implicit-branch: a join of two nodes, one of which reads the other through an unwritten `from`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.model import Label
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.diagnostics.lint import Lint
    from specgraph.spec.document import Body, Document, NodeDef

RULE = Rule(
    code="SG914",
    name="implicit-branch",
    severity="warning",
    summary="a join of two nodes, one of which reads the other through an unwritten `from`",
    explanation="""\
A node without `from` reads the one before it. In a module of branches a forgotten `from: input` makes a
branch continue the one above it: every shape stays right, and the network is another. Where this is
meant (a skip connection), writing that `from` says so and ends the warning. Skips around an upsampling, as
in a U-Net, are not reported.
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

ENLARGING = ("upsample", "conv_transpose")
MAX_DEPTH = 4


def check(lint: Lint) -> None:
    from specgraph.diagnostics.lint import bodies

    live = set(lint.by_definition)
    for block, body in bodies(lint.document):
        if not body.is_chain:
            joins = [node for node in body.nodes if id(node) in live and _names(node)]
            if joins:
                source = block.inputs[0] if block is not None else next(iter(lint.graph.inputs))
                _check_body(lint, body, joins, source)


def _check_body(lint: Lint, body: Body, joins: list[NodeDef], source: str) -> None:
    previous = _previous(body)
    followers = {id(before): node for node in body.nodes if (before := previous.get(id(node))) is not None}
    for join in joins:
        operands = [found for name in _names(join) if (found := body.find(name)) is not None and found is not join]
        for operand in operands:
            reader = followers.get(id(operand))
            if reader is None or reader is join or reader.when is not None:
                continue
            for other in operands:
                if other is not operand and _reaches(other, reader, body, previous, lint.document):
                    _report(lint, join, operand, reader, source)
                    break


def _names(node: NodeDef) -> list[str]:
    """Names that a join reads; empty for anything else."""
    written = node.sources
    if node.kind != "op" or written is None or not written.constant or not isinstance(written.value, list):
        return []
    return [str(name) for name in written.value] if len(written.value) > 1 else []


def _previous(body: Body) -> dict[int, NodeDef]:
    """For each node without `from`, the sibling it reads (the scope's input where there is none)."""
    previous: dict[int, NodeDef] = {}
    last: NodeDef | None = None
    for node in body.nodes:
        if last is not None and _reads_previous(node):
            previous[id(node)] = last
        if not node.train_only:
            last = node
    return previous


def _reads_previous(node: NodeDef) -> bool:
    while node.sources is None and node.body is not None and node.body.is_chain and node.body.nodes:
        node = node.body.nodes[0]
    return node.sources is None


def _enlarges(node: NodeDef, document: Document, depth: int = 0) -> bool:
    """Whether a node is an upsampling, or a block or chain that holds one."""
    target, body = node.target, node.body
    if target is not None and target.constant and node.kind == "block" and depth < MAX_DEPTH:
        alias, _, name = str(target.value).rpartition(".")
        home = document.includes.get(alias) if alias else document
        block = home.blocks.get(name) if home is not None else None
        if block is not None:
            body, document = block.body, block.document
    if body is not None:
        return any(_enlarges(inner, document, depth + 1) for inner in body.nodes)
    return target is not None and target.constant and target.value in ENLARGING


def _reaches(start: NodeDef, goal: NodeDef, body: Body, previous: dict[int, NodeDef], document: Document) -> bool:
    """Whether `goal` is found on the way back from `start`, not looking past an upsampling."""
    waiting, seen = [start], {id(start)}
    while waiting:
        node = waiting.pop()
        if node is goal:
            return True
        if _enlarges(node, document):
            continue
        sources = [previous.get(id(node)), *(body.find(name) for name in _read_by(node))]
        for source in sources:
            if source is not None and id(source) not in seen:
                seen.add(id(source))
                waiting.append(source)
    return False


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
