"""SG907 redundant-activation: an activation of values that another has brought there already."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.model import Node
    from specgraph.lint.context import Lint
    from specgraph.ops.behaviour import Behaviour

RULE = Rule(
    code="SG907",
    name="redundant-activation",
    severity="warning",
    summary="an activation of values that another has brought there already",
    explanation="""\
A relu of what a relu, a sigmoid or a softmax gave changes nothing, also after a pooling or a join of
such values; a second softmax flattens the probabilities, a second batch_norm finds mean 0 and deviation 1
already. Usually a layer between the two was forgotten.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  relu1: relu
  pool: {op: max_pool, kernel_size: 2}
  relu2: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv1: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  relu1: relu
  conv2: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  relu2: relu
""",
)


Effect = Literal["none", "normalises"]
EFFECTS: dict[Effect, str] = {"none": "changes nothing", "normalises": "normalises a second time"}


def makes_useless(behaviour: Behaviour) -> Callable[[Behaviour], bool] | None:
    """Which ops before one with this behaviour leave it nothing to do; None where no op does."""
    if behaviour.keeps is not None:
        low, high = behaviour.keeps
        return None if isinstance(low, str) or isinstance(high, str) else lambda before: before.gives_within(low, high)
    if behaviour.normalises_scores:
        return lambda before: before.normalises_scores
    if behaviour.scores == "probability":
        return lambda before: before.scores != "none"
    return (lambda before: before.over_batch) if behaviour.over_batch else None


def check(lint: Lint) -> None:
    known: dict[str, Node | None] = {}
    keeping_sign = lint.ops_where(lambda behaviour: behaviour.keeps_sign and behaviour.joins == "none")
    keeping_order = lint.ops_where(lambda behaviour: behaviour.keeps_order)
    for op, behaviour in lint.behaviours.items():
        test = makes_useless(behaviour)
        producers = lint.ops_where(test) if test is not None else ()
        activates = behaviour.keeps is not None
        for definition, nodes in lint.definitions(op) if producers else ():
            found = [lint.before(node.inputs[0], keeping_sign if activates else keeping_order) for node in nodes]
            if behaviour.keeps_positive:
                found = [_joined(lint, node, known, keeping_sign) for node in found]
            first = found[0]
            if first is None or definition.when is not None or not all(n and n.op in producers for n in found):
                continue
            effect: Effect = "none" if activates else "normalises"
            lint.report(
                "redundant-activation",
                f"node `{nodes[0].path}` {EFFECTS[effect]}: its values come from `{first.path}`, a {first.op}",
                nodes[0],
                help="remove one of the two",
                fix=lint.removals.node(definition) if effect == "none" else None,
            )


def _joined(lint: Lint, node: Node | None, known: dict[str, Node | None], transparent: tuple[str, ...]) -> Node | None:
    """The node itself; for a join of values none of which can be negative, one that gives such values."""
    waiting = [node] if node is not None else []
    while waiting:
        join = waiting[-1]
        if join.path in known:
            waiting.pop()
            continue
        if lint.behaviour(join).joins == "none" or not lint.behaviour(join).keeps_sign:
            known[join.path] = join
            continue
        sources = [source for path in join.inputs if (source := lint.before(path, transparent)) is not None]
        unknown = [source for source in sources if source.path not in known]
        if len(sources) == len(join.inputs) and unknown:
            waiting += unknown
            continue
        known[join.path] = join
        if len(sources) == len(join.inputs):
            found = [known[source.path] for source in sources]
            if all(source is not None and lint.behaviour(source).is_never_negative for source in found):
                known[join.path] = found[0]
    return known[node.path] if node is not None else None
