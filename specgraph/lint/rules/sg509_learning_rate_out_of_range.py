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
SENSIBLE_RATES = {
    **dict.fromkeys(("adam", "adamw", "nadam", "radam", "adamax"), (5e-6, 3e-2)),
    "sgd": (2e-3, 5.0),
    "asgd": (2e-3, 5.0),
    "rmsprop": (5e-6, 2.0),
    "adagrad": (1e-4, 1.0),
    "adadelta": (1e-2, 10.0),
    "adafactor": (1e-5, 0.3),
    "muon": (1e-5, 0.1),
}
"""Rates far outside which nothing is learned; effective ones, rate / (1 - momentum), where steps add up."""
ADDS_UP = ("sgd", "rmsprop")
USUAL = {
    "sgd": "0.01 to 0.1 with momentum 0.9",
    "asgd": "0.01 to 0.1",
    "rmsprop": "0.0001 to 0.1",
    "adagrad": "0.001 to 0.1",
    "adadelta": "0.1 to 1",
    "adafactor": "0.001 to 0.01",
    "muon": "0.0003 to 0.02",
}
HIGHEST_UNNORMALISED = 3.5
"""The highest for sgd in a network that normalises nothing."""
PLAIN_BATCH = 256
"""Images in a batch up to which the rates hold; above, those of sgd grow in proportion."""


def find(trained: Trained) -> Iterator[Finding]:
    optimizer = trained.recipe.optimizer
    name, rate, momentum = optimizer.tag, optimizer.lr, optimizer.known().get("momentum", 0.0)
    momentum = momentum if name in ADDS_UP else 0.0
    effective = rate / (1 - momentum)
    low, high = SENSIBLE_RATES[name]
    if name == "sgd":
        highest = high if trained.normalises else HIGHEST_UNNORMALISED
        high = highest * max(1.0, trained.recipe.batch_size / PLAIN_BATCH)
    if low <= effective <= high:
        return
    side = "low" if effective < low else "high"
    note = f"with momentum {show(rate)} / (1 - {show(momentum)}) = {effective:.3g}" if momentum else ""
    yield Finding(
        "learning-rate-out-of-range",
        f"learning rate {show(rate)} is far too {side} for {name}",
        ("optimizer", name, "lr"),
        (note,) if note else (),
        f"usual for {name}: {USUAL.get(name, '0.0001 to 0.003')}",
    )
