"""SG927 exploding-initial-weights: first weights that make values grow with every layer."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.lint.layers import fan_in, first_scale, is_normalisation, next_through, weighted

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG927",
    name="exploding-initial-weights",
    severity="warning",
    summary="first weights that make values grow with every layer",
    explanation="""\
A unit sums as many products as it has inputs, so that a deviation s of the weights multiplies the size of
values by s times the root of that number: the default is about 0.6, kaiming_normal gives 1.4. `normal` without
a deviation has 1, which makes 28 of a flattened 28x28 image. Layers before a normalisation are not reported.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 64, init: {weight: normal}}
  relu: relu
  fc2: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 64, init: {weight: {normal: {std: 0.05}}}}
  relu: relu
  fc2: {op: linear, out_features: 10}
""",
)
LARGEST = 5.0
"""Growth of values by one layer; what training usually begins with lies between 0.3 and 2."""


def check(lint: Lint) -> None:
    for node in weighted(lint):
        scale = first_scale(node)
        count = fan_in(node) if scale else None
        if not count or not scale or scale * sqrt(count) <= LARGEST:
            continue
        reader = next_through(lint, node)
        if reader is not None and is_normalisation(reader):
            continue
        lint.report(
            "exploding-initial-weights",
            f"node `{node.path}` begins with weights that make values {scale * sqrt(count):.3g} times as large",
            node,
            notes=(f"weights of about {scale:.3g}, {count} inputs of each unit: {scale:.3g} * sqrt({count})",),
            help=f"take kaiming_normal, or a deviation of about {sqrt(2 / count):.2g}",
            fix=lint.removals.initialiser(lint.written[node.path], "weight"),
        )
