"""SG523 activated-head: scores that an activation has bounded before cross_entropy."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.ops.behaviour import Behaviour

RULE = Rule(
    code="SG523",
    name="activated-head",
    severity="warning",
    summary="scores that an activation has bounded before cross_entropy",
    explanation="""\
`cross_entropy` takes scores of any size and sign. After a `relu` all classes that it cut to zero look
alike and get no gradient; after a `sigmoid` or `tanh` the scores are too close to each other for the
loss ever to become small. The last layer has no activation.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
  relu: relu
recipes:
  default:
    data: {name: mnist}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 100}
  relu: relu
  fc2: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
""",
    needs=("last op",),
)


def is_bounded(behaviour: Behaviour) -> bool:
    """Whether scores come out between two bounds; a distribution is another rule's."""
    return behaviour.is_bounded and not behaviour.cuts and not behaviour.normalises_scores


def cuts(behaviour: Behaviour) -> bool:
    """Whether scores below zero become zero."""
    return behaviour.cuts


def find(trained: Trained) -> Iterator[Finding]:
    for test, why in (
        (is_bounded, "classes get scores too close to each other for the loss to become small"),
        (cuts, "classes whose scores are cut to zero look alike and get no gradient"),
    ):
        for finding in trained.heads_before_cross_entropy(
            "activated-head", test, why, "end the network with the linear layer"
        ):
            yield finding._replace(removable=None) if trained.lacks_head else finding
