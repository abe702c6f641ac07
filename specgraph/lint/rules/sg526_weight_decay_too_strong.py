"""SG526 weight-decay-too-strong: weight decay that pulls all weights to zero."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.kinds.shown import show
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG526",
    name="weight-decay-too-strong",
    severity="warning",
    summary="weight decay that pulls all weights to zero",
    explanation="""\
Weight decay of 0.5 takes 5 % off every weight in each step at a learning rate of 0.1, and the gradient cannot
make up for it: the network gives the same scores for every image. What is compared is the decay itself for
sgd, adam and rmsprop, where 1e-5 to 5e-3 is usual, and the rate times the decay for adamw, where the decay is
decoupled and 0.01 to 0.3 is usual.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
    optimizer: {sgd: {lr: 0.1, momentum: 0.9, weight_decay: 0.5}}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
    optimizer: {sgd: {lr: 0.1, momentum: 0.9, weight_decay: 5e-4}}
""",
    needs=("weight decay",),
)
STRONGEST = 0.05
"""Penalty that is added to the gradient; above it, networks stop learning."""
STRONGEST_SHARE = 1e-3
"""Share of a weight that decoupled decay takes in a step: half of it is gone after 700 steps."""
DECOUPLED = ("adamw", "muon", "adafactor")


def find(trained: Trained) -> Iterator[Finding]:
    optimizer = trained.recipe.optimizer
    name, rate, decay = optimizer.tag, optimizer.lr, optimizer.weight_decay
    decoupled = name in DECOUPLED or optimizer.known().get("decoupled_weight_decay", False)
    if rate * decay > STRONGEST_SHARE if decoupled else decay > STRONGEST:
        yield Finding(
            "weight-decay-too-strong",
            f"weight decay {show(decay)} is far too strong for {name}",
            ("optimizer", name, "weight_decay"),
            (f"each step takes {show(rate)} * {show(decay)} = {100 * rate * decay:.3g} % off every weight",)
            if decoupled or name == "sgd"
            else (),
            f"usual for {name}: {'0.01 to 0.3' if decoupled else '1e-5 to 5e-3'}",
        )
