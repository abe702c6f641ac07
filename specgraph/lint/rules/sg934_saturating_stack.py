"""SG934 saturating-stack: a stack of sigmoids, each of which takes most of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.lint.layers import is_activation, is_normalisation, saturates

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG934",
    name="saturating-stack",
    severity="warning",
    summary="a stack of sigmoids, each of which takes most of the gradient",
    explanation="""\
The slope of a sigmoid is at most 0.25, so that four of them in a row leave less than 1/256 of the gradient
for the first layer; that of tanh is 1 at zero and small elsewhere, which takes longer to show. A normalisation or
a skip between the layers cures it, and so does relu.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
blocks:
  unit: [{op: linear, out_features: 64}, sigmoid]
nodes:
  flatten: flatten
  hidden: {block: unit, repeat: 4}
  last: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
blocks:
  unit: [{op: linear, out_features: 64}, relu]
nodes:
  flatten: flatten
  hidden: {block: unit, repeat: 4}
  last: {op: linear, out_features: 10}
""",
    needs=("bounded op",),
)
MOST = {True: 3, False: 9}
"""Layers in a row that still learn: of activations that are never negative, as sigmoid, and of others, as tanh."""


def check(lint: Lint) -> None:
    depths: dict[str, dict[bool, int]] = {}
    reported: set[bool] = set()
    for path, node in lint.graph.nodes.items():
        if len(node.inputs) != 1 or is_normalisation(node):
            continue
        before = depths.get(node.inputs[0], {})
        if saturates(lint, node):
            positive = lint.behaviour(node).is_never_negative
            depths[path] = {positive: before.get(positive, 0) + 1}
            if depths[path][positive] > MOST[positive] and positive not in reported:
                reported.add(positive)
                lint.report(
                    "saturating-stack",
                    f"node `{path}` is the {depths[path][positive]}th {node.op} in a row: hardly any gradient reaches "
                    "the first layer",
                    node,
                    help="use relu inside, or normalise between the layers",
                )
        elif not is_activation(node):
            depths[path] = before
