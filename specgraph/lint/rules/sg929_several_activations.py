"""SG929 several-activations: two different activations with nothing between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.lint.layers import is_activation
from specgraph.lint.rules.sg907_redundant_activation import makes_useless

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG929",
    name="several-activations",
    severity="warning",
    summary="two different activations with nothing between them",
    explanation="""\
The second activation sees only what the first leaves: a sigmoid after a relu never gives less than 0.5, a softmax
after a tanh never more than e*e times the smallest. Usually a layer between the two was forgotten, or one of
them is left over.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 1}
  relu: relu
  sigmoid: sigmoid
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 1}
  sigmoid: sigmoid
""",
)


def check(lint: Lint) -> None:
    transparent = lint.ops_where(lambda behaviour: behaviour.keeps_numbers or behaviour.training_only)
    for definition, nodes in lint.definitions(*(op for op in lint.by_op if is_activation(lint.by_op[op][0]))):
        found = [lint.before(node.inputs[0], transparent) for node in nodes]
        first = found[0]
        if not any(node.output.batched for node in nodes):
            continue  # arithmetic of what the network holds
        if first is None or definition.when is not None or not all(node and is_activation(node) for node in found):
            continue
        test = makes_useless(lint.behaviour(nodes[0]))
        if first.op == nodes[0].op or (test is not None and test(lint.behaviour(first))):
            continue  # redundant-activation
        lint.report(
            "several-activations",
            f"node `{nodes[0].path}` is a {nodes[0].op} of what `{first.path}`, a {first.op}, gives",
            nodes[0],
            help="remove one of the two, or put a layer between them",
        )
