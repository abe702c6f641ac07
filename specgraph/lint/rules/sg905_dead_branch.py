"""SG905 dead-branch: a node is computed, but nothing reads it and it is no output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.graph.liveness import live

if TYPE_CHECKING:
    from specgraph.diagnostics.model import Fix, Span
    from specgraph.graph.model import Node, Scope
    from specgraph.lint.context import Lint

SHARED = " shared"

RULE = Rule(
    code="SG905",
    name="dead-branch",
    severity="warning",
    summary="a node is computed, but nothing reads it and it is no output",
    explanation="""\
What such a node computes reaches no output, so its parameters never learn and its time is wasted.
Usually a `from` names the wrong node, or an auxiliary head is missing in `outputs`.

Of a block that is used several times, a node may be read in some uses only. A use that leaves it unread is
reported where parameters are lost with it; give the block an argument, and the node a `when`.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  b: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  b: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  add: {op: add, from: [a, b]}
""",
)


def check(lint: Lint) -> None:
    ends = [path for path, readers in lint.readers.items() if not readers and path not in lint.outputs]
    in_some_uses: list[Node] = []
    for path in ends:
        node = lint.graph.nodes.get(path)
        if node is None:
            continue  # an input: unused-input
        instances = lint.by_definition[id(lint.written[path])]
        if all(_is_end(lint, other) for other in instances):
            head = "list it under outputs:" if node.train_only else "read it, make it an output, or remove it"
            fix = _read_by_the_next(lint, node)
            lint.report("dead-branch", f"node `{path}` is read by no node and is no output", node, help=head, fix=fix)
        else:
            in_some_uses.append(node)
    if in_some_uses:
        _check_uses(lint, in_some_uses)


def _read_by_the_next(lint: Lint, node: Node) -> Fix | None:
    """The fix for a node whose next one reads what it reads, instead of it: `from` is taken out."""
    definition = lint.written[node.path]
    body = lint.removals.homes.get(id(definition))
    if body is None or definition not in body.nodes[:-1] or len(node.inputs) != 1:
        return None
    after = body.nodes[body.nodes.index(definition) + 1]
    instances = lint.by_definition.get(id(after), [])
    if after.sources is None or len(instances) != 1 or instances[0].inputs != node.inputs:
        return None
    same = instances[0].input_types == (node.output,) or node.output.rank == instances[0].input_types[0].rank
    return lint.removals.from_before(after) if same else None


def _is_end(lint: Lint, node: Node) -> bool:
    return not lint.readers[node.path] and node.path not in lint.outputs


def _check_uses(lint: Lint, ends: list[Node]) -> None:
    """Report, at each use of a block, the nodes that are read in other uses only and take parameters along."""
    dead = _dead(lint)
    serving: dict[int, set[Span]] = {}
    by_use: dict[Span, list[tuple[Node, int]]] = {}
    for node in ends:
        lost = _lost_parameters(lint, node, dead)
        if lost:
            by_use.setdefault(_use(lint, node, serving), []).append((node, lost))
    for span, found in by_use.items():
        node = found[0][0]
        names = f"`{node.path}`" + (f" and {len(found) - 1} more" if len(found) > 1 else "")
        read = next(other for other in lint.by_definition[id(lint.written[node.path])] if not _is_end(lint, other))
        lost = sum(parameters for _, parameters in found)
        lint.report(
            "dead-branch",
            f"node {names} {'are' if len(found) > 1 else 'is'} read by no node in this use, and no output",
            span,
            node=node.path,
            notes=[f"`{read.path}` of another use is read; here {lost:,} parameters never learn"],
            help="read it, or give the block an argument that leaves it out: when: $argument",
        )


def _dead(lint: Lint) -> set[str]:
    """The nodes that reach no output."""
    nodes = lint.graph.nodes

    def sources(path: str) -> tuple[str, ...]:
        node = nodes[path]
        return node.inputs if node.share is None else (*node.inputs, node.share + SHARED)

    alive = live(nodes, sources, lint.outputs)
    return {path for path in nodes if path not in alive and path + SHARED not in alive}


def _lost_parameters(lint: Lint, end: Node, dead: set[str]) -> int:
    """Trainable elements after a dead end that serve nothing else. Those counted are taken out of `dead`."""
    lost, waiting = 0, [end.path]
    while waiting:
        path = waiting.pop()
        if path in dead:
            dead.discard(path)
            lost += lint.graph.nodes[path].num_parameters
            waiting += lint.graph.nodes[path].inputs
    return lost


def _use(lint: Lint, node: Node, serving: dict[int, set[Span]]) -> Span:
    """Where the innermost use of a block is written that always leaves this node unread; else the outermost.
    `serving` keeps, per definition, the uses in which it is read."""
    definition = id(lint.written[node.path])
    if definition not in serving:
        read = [other for other in lint.by_definition[definition] if not _is_end(lint, other)]
        serving[definition] = {scope.span for other in read for scope in _around(lint, other)}
    span = node.span
    for scope in _around(lint, node):
        span = scope.span
        if span not in serving[definition]:
            break
    return span


def _around(lint: Lint, node: Node) -> Iterator[Scope]:
    """The scopes that hold a node, from the inside out."""
    path = node.path
    while path:
        path = path.rpartition(".")[0]
        if path in lint.graph.scopes:
            yield lint.graph.scopes[path]
