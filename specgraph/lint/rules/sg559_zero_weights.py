"""SG559 zero-weights: weights of a loss that are all 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.recipes.losses import HELP_FOR_ZEROS, weighted_terms

RULE = Rule(
    code="SG559",
    name="zero-weights",
    severity="error",
    summary="weights of a loss that are all 0",
    explanation="""\
A class or label of weight 0 is not learnt, and neither is an output whose loss has the weight 0. If all have it,
nothing is learnt: the loss is 0, or with `pos_weight` smallest for a network that says no to everything. Training
refuses it. Weights by name are 1 for the names that are left out.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 4}
recipes:
  default:
    data: {name: shapes}
    loss: {cross_entropy: {class_weights: [0, 0, 0, 0]}}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 64, 64]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 4}
recipes:
  default:
    data: {name: shapes}
    loss: {cross_entropy: {class_weights: [0, 1, 1, 1]}}
""",
)


def find(trained: Trained) -> Iterator[Finding]:
    names = trained.names()
    count = len(names) if names is not None else trained.images.num_classes if trained.images else None
    for field, value, path in weighted_terms(trained.recipe.loss):
        if are_zero(value, count):
            told = "is 0" if isinstance(value, int | float) else "gives 0 to every class or label"
            yield Finding("zero-weights", f"{field} {told}: nothing is learnt", path, help=HELP_FOR_ZEROS)


def are_zero(value: Any, count: int | None) -> bool:
    """Whether weights are 0 for all of `count` classes or labels; those by name are 1 for others."""
    if isinstance(value, tuple):
        return bool(value) and not any(value)
    if isinstance(value, dict):
        return bool(value) and not any(value.values()) and count is not None and len(value) >= count
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0
