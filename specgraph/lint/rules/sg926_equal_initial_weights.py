"""SG926 equal-initial-weights: all units of a hidden layer begin with the same weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specgraph.diagnostics.rule import Rule
from specgraph.language.initialisers import STATED
from specgraph.lint.layers import moments, weighted, weighted_readers

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG926",
    name="equal-initial-weights",
    severity="warning",
    summary="all units of a hidden layer begin with the same weights",
    explanation="""\
Where all weights are zero, nothing reaches the next layer, nor a gradient this one. Where they are all the same
number, all units compute the same and get the same gradient: the layer stays one unit. Weights must be random.
The last layer may begin at zero, and so may the last layer of a residual branch; depthwise layers, whose units
see different inputs, may be constant. A constant bias is not reported: units differ by their weights, and
AlexNet begins with biases of one.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 64, init: {weight: zeros}}
  relu: relu
  fc2: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 64, init: {weight: kaiming_normal}}
  relu: relu
  fc2: {op: linear, out_features: 10}
""",
    needs=("initialisers",),
)


def check(lint: Lint) -> None:
    for node in weighted(lint):
        name, fields = node.init.get("weight", ("default", {}))
        if name not in STATED or _deviation(name, fields) > 0 or not weighted_readers(lint, node):
            continue
        groups = node.arguments.get("groups", 1)
        if node.output.dims[0] == 1 or (groups > 1 and node.output.dims[0] == groups):
            continue
        value = _mean(name, fields)
        what = "nothing passes it and it learns nothing" if value == 0 else "all its units stay the same"
        lint.report(
            "equal-initial-weights",
            f"node `{node.path}` begins with all weights at {value:g}: {what}",
            node,
            help="take an initialiser that draws, such as kaiming_normal, or leave init out",
            fix=lint.removals.initialiser(lint.written[node.path], "weight"),
        )


def _mean(name: str, fields: dict[str, Any]) -> float:
    return moments(name, fields)[0]


def _deviation(name: str, fields: dict[str, Any]) -> float:
    return moments(name, fields)[1]
