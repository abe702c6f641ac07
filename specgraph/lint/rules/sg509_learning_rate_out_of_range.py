"""SG509 learning-rate-out-of-range: a learning rate far outside the optimiser's range."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.kinds.shown import show
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG509",
    name="learning-rate-out-of-range",
    severity="warning",
    summary="a learning rate far outside the optimiser's range",
    explanation="""\
SGD with rate 1e-4 for ten epochs learns nothing, and says nothing. Momentum m multiplies the rate by
1 / (1 - m) in effect; that product is what is compared with the range in which networks train: 2e-3 to 5
for sgd, 5e-6 to 3e-2 for adam and adamw, 5e-6 to 2 for rmsprop. Of a network without normalisation sgd takes
3.5 at most: 0.4 with momentum 0.9 diverges. Batches of more than 256 images allow rates in proportion for sgd.
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
    optimizer: {sgd: {lr: 1e-4, momentum: 0.9}}
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
    optimizer: {sgd: {lr: 0.02, momentum: 0.9}}
""",
)
SENSIBLE_RATES = {"sgd": (2e-3, 5.0), "adam": (5e-6, 3e-2), "adamw": (5e-6, 3e-2), "rmsprop": (5e-6, 2.0)}
"""Effective rates, rate / (1 - momentum), far outside which nothing is learned."""
HIGHEST_UNNORMALISED = 3.5
"""The highest for sgd in a network that normalises nothing."""
PLAIN_BATCH = 256
"""Images in a batch up to which the rates hold; above, those of sgd grow in proportion."""


def find(trained: Trained) -> Iterator[Finding]:
    optimizer = trained.recipe.optimizer
    name, rate, momentum = optimizer.tag, optimizer.lr, optimizer.known().get("momentum", 0.0)
    effective = rate / (1 - momentum)
    low, high = SENSIBLE_RATES[name]
    if name == "sgd":
        highest = high if trained.normalises else HIGHEST_UNNORMALISED
        high = highest * max(1.0, trained.recipe.batch_size / PLAIN_BATCH)
    if low <= effective <= high:
        return
    side = "low" if effective < low else "high"
    note = f"with momentum {show(rate)} / (1 - {show(momentum)}) = {effective:.3g}" if momentum else ""
    usual = {"sgd": "0.01 to 0.1 with momentum 0.9", "rmsprop": "0.0001 to 0.1"}.get(name, "0.0001 to 0.003")
    yield Finding(
        "learning-rate-out-of-range",
        f"learning rate {show(rate)} is far too {side} for {name}",
        ("optimizer", name, "lr"),
        (note,) if note else (),
        f"usual for {name}: {usual}",
    )
