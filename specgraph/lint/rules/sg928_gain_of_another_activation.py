"""SG928 gain-of-another-activation: an initialiser for another activation than the one that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.language.initialisers import NONLINEARITY, gain_of
from specgraph.lint.layers import is_activation, next_through, weighted, weighted_readers

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG928",
    name="gain-of-another-activation",
    severity="info",
    summary="an initialiser for another activation than the one that follows",
    explanation="""\
`nonlinearity` names the activation whose gain keeps the size of values: relu 1.41, tanh 1.67, sigmoid and linear
1, selu 0.75. With that of another activation values shrink or grow with every layer. Layers before a
normalisation, which brings them back, are not reported.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 64, init: {weight: {kaiming_normal: {nonlinearity: linear}}}}
  relu: relu
  fc2: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 64, init: {weight: {kaiming_normal: {nonlinearity: relu}}}}
  relu: relu
  fc2: {op: linear, out_features: 10}
""",
    needs=("initialisers",),
)
MOST_APART = 1.1
"""The gains of relu and of a leaky_relu with a slope of 0.3 differ less, those of relu and tanh more."""
MOST_APART_BY_DEFAULT = 1.25
"""Where the activation is not named: an initialiser for relu before a tanh is usual, and training corrects it."""


def check(lint: Lint) -> None:
    for node in weighted(lint):
        name, fields = node.init.get("weight", ("default", {}))
        stated = fields.get("nonlinearity")
        reader = next_through(lint, node) if stated else None
        if reader is None or not is_activation(reader) or not weighted_readers(lint, reader):
            continue
        following = gain_of(reader.op, reader.arguments.get("negative_slope", 0.0))
        given = gain_of(stated, fields.get("a", 0.0))
        most = MOST_APART_BY_DEFAULT if stated == NONLINEARITY.default else MOST_APART
        if following is None or given is None or max(given / following, following / given) <= most:
            continue
        lint.report(
            "gain-of-another-activation",
            f"node `{node.path}` is initialised with the gain {given:.3g} of {stated}, but `{reader.path}` is "
            f"{reader.op}, whose gain is {following:.3g}",
            node,
            help=f"write {name}: {{nonlinearity: {reader.op}}}",
        )
