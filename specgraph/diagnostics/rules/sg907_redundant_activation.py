"""SG907 redundant-activation: an activation of values that another has brought there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.diagnostics.lint import Lint

RULE = Rule(
    code="SG907",
    name="redundant-activation",
    severity="warning",
    summary="an activation of values that another has brought there already",
    explanation="""\
A relu of what a relu, a sigmoid or a softmax gave changes nothing, also behind a pooling; a second
softmax flattens the probabilities. Usually a layer between the two was forgotten.
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
    "softmax": NORMALISED,
    "log_softmax": NORMALISED,
    "sigmoid": frozenset(["sigmoid", "softmax", "log_softmax"]),
}
KEEPS_SIGN = frozenset(
    [
        *("max_pool", "avg_pool", "global_avg_pool", "global_max_pool", "adaptive_avg_pool", "adaptive_max_pool"),
        *("dropout", "flatten", "reshape", "permute", "identity", "channel_shuffle", "slice"),
    ]
)
KEEPS_VALUES = frozenset(["dropout", "flatten", "identity"])


def check(lint: Lint) -> None:
    for op, producers in USELESS_AFTER.items():
        for definition, nodes in lint.definitions(op) if op in lint.by_op else ():
            transparent = KEEPS_SIGN if producers <= NOT_NEGATIVE else KEEPS_VALUES
            found = [lint.before(node.inputs[0], transparent) for node in nodes]
            first = found[0]
            if first is None or definition.when is not None or not all(n and n.op in producers for n in found):
                continue
            effect = "changes nothing" if op in producers or op.endswith("elu") else "is applied to scores"
            if op in NORMALISED or op == "sigmoid":
                effect = "normalises a second time"
            lint.report(
                "redundant-activation",
                f"node `{nodes[0].path}` {effect}: its values come from `{first.path}`, a {first.op}",
                nodes[0],
                help="remove one of the two",
            )
