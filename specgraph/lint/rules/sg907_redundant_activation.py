"""SG907 redundant-activation: an activation of values that another has brought there already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.model import Node
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG907",
    name="redundant-activation",
    severity="warning",
    summary="an activation of values that another has brought there already",
    explanation="""\
A relu of what a relu, a sigmoid or a softmax gave changes nothing, also behind a pooling or a join of
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
NOT_NEGATIVE = frozenset(["relu", "relu6", "sigmoid", "hardsigmoid", "softmax", "softplus"])
UP_TO_ONE = frozenset(["sigmoid", "hardsigmoid", "softmax"])
NORMALISED = frozenset(["softmax", "log_softmax"])
USELESS_AFTER = {
    "relu": NOT_NEGATIVE,
    "relu6": UP_TO_ONE | {"relu6"},
    "leaky_relu": NOT_NEGATIVE,
    "prelu": NOT_NEGATIVE,
    "elu": NOT_NEGATIVE,
    "celu": NOT_NEGATIVE,
    "softmax": NORMALISED,
    "log_softmax": NORMALISED,
    "sigmoid": frozenset(["sigmoid", "softmax", "log_softmax"]),
    "batch_norm": frozenset(["batch_norm"]),
}
JOINS = frozenset(["add", "mul", "concat"])
"""Ops whose results are not negative where none of their inputs is."""
KEEPS_SIGN = frozenset(
    [
        *("max_pool", "avg_pool", "global_avg_pool", "global_max_pool", "adaptive_avg_pool", "adaptive_max_pool"),
        *("dropout", "flatten", "reshape", "permute", "identity", "channel_shuffle", "pixel_shuffle", "slice"),
    ]
)
KEEPS_VALUES = frozenset(["dropout", "flatten", "identity"])
Effect = Literal["none", "normalises", "clips"]
EFFECTS: dict[Effect, str] = {
    "none": "changes nothing",
    "normalises": "normalises a second time",
    "clips": "is applied to scores",
}


def check(lint: Lint) -> None:
    known: dict[str, Node | None] = {}
    for op, producers in USELESS_AFTER.items():
        for definition, nodes in lint.definitions(op) if op in lint.by_op else ():
            transparent = KEEPS_SIGN if producers <= NOT_NEGATIVE else KEEPS_VALUES
            found = [lint.before(node.inputs[0], transparent) for node in nodes]
            if producers is NOT_NEGATIVE:
                found = [_joined(lint, node, known) for node in found]
            first = found[0]
            if first is None or definition.when is not None or not all(n and n.op in producers for n in found):
                continue
            effect = _effect(op, producers)
            lint.report(
                "redundant-activation",
                f"node `{nodes[0].path}` {EFFECTS[effect]}: its values come from `{first.path}`, a {first.op}",
                nodes[0],
                help="remove one of the two",
                fix=lint.removals.node(definition) if effect == "none" else None,
            )


def _effect(op: str, producers: frozenset[str]) -> Effect:
    """What the second activation does to the values."""
    if op in NORMALISED or op in ("sigmoid", "batch_norm"):
        return "normalises"
    return "none" if op in producers or op.endswith("elu") else "clips"


def _joined(lint: Lint, node: Node | None, known: dict[str, Node | None]) -> Node | None:
    """The node itself; for a join of values none of which can be negative, one that gives such values."""
    waiting = [node] if node is not None else []
    while waiting:
        join = waiting[-1]
        if join.path in known:
            waiting.pop()
            continue
        if join.op not in JOINS:
            known[join.path] = join
            continue
        sources = [source for path in join.inputs if (source := lint.before(path, KEEPS_SIGN)) is not None]
        unknown = [source for source in sources if source.path not in known]
        if len(sources) == len(join.inputs) and unknown:
            waiting += unknown
            continue
        known[join.path] = join
        if len(sources) == len(join.inputs):
            found = [known[source.path] for source in sources]
            if all(source is not None and source.op in NOT_NEGATIVE for source in found):
                known[join.path] = found[0]
    return known[node.path] if node is not None else None
