"""SG509 learning-rate-out-of-range: a learning rate far outside the optimiser's range."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.graph.model import Graph
from specgraph.kinds.shown import show
from specgraph.lint.recipe_cures import SetNumber
from specgraph.lint.recipes import Finding, Trained
from specgraph.ops.registry import behaviour_of

RULE = Rule(
    code="SG509",
    name="learning-rate-out-of-range",
    severity="warning",
    summary="a learning rate far outside the optimiser's range",
    explanation="""\
SGD with rate 1e-4 for ten epochs learns nothing, and says nothing. Momentum m multiplies the rate by
1 / (1 - m) in effect; that product is what is compared with the range in which networks train: 2e-3 to 5
for sgd, 5e-6 to 3e-2 for adam and adamw, 5e-6 to 2 for rmsprop. A network without normalisation takes less of
sgd the more layers it has: 3.5 with two layers with weights, 1.5 with three, 0.9 with four or more where some are
convolutions (0.1 with momentum 0.9 is 1). Layers between sigmoids or tanhs, which bound what arrives, take 3.5
however many there are. Batches of more than 256 images allow rates in proportion for sgd.
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
HIGHEST_UNNORMALISED = {1: 5.0, 2: 3.5, 3: 1.5}
"""The highest for sgd in a network that normalises nothing, by the number of layers with weights."""
HIGHEST_DEEP = 0.9
"""Where there are more layers, convolutions among them."""
HIGHEST_BOUNDED = 3.5
"""Where all activations give values between two bounds that they approach."""
PLAIN_BATCH = 256
"""Images in a batch up to which the rates hold; above, those of sgd grow in proportion."""
FIRST_RATES = {
    **dict.fromkeys(("adam", "adamw", "nadam", "radam", "adamax", "rmsprop", "muon"), 1e-3),
    **dict.fromkeys(("sgd", "asgd"), 0.1),
    **dict.fromkeys(("adagrad", "adafactor"), 0.01),
    "adadelta": 1.0,
}
"""Effective rates that the fix writes."""


def find(trained: Trained) -> Iterator[Finding]:
    optimizer = trained.recipe.optimizer
    name, rate, momentum = optimizer.tag, optimizer.lr, optimizer.known().get("momentum", 0.0)
    momentum = momentum if name in ADDS_UP else 0.0
    effective = rate / (1 - momentum)
    low, high = SENSIBLE_RATES[name]
    notes = [f"with momentum {show(rate)} / (1 - {show(momentum)}) = {effective:.3g}"] if momentum else []
    if name == "sgd":
        if not trained.normalises:
            highest, why = _highest_unnormalised(trained.graph)
            notes += [why] if highest < effective <= high else []
            high = highest
        high *= max(1.0, trained.recipe.batch_size / PLAIN_BATCH)
    if low <= effective <= high:
        return
    side = "low" if effective < low else "high"
    usual = USUAL.get(name, "0.0001 to 0.003")
    if name == "sgd" and not trained.normalises:
        usual = "0.01 with momentum 0.9, or 0.1 without"
    begin = FIRST_RATES[name] * (1 - momentum)
    path = ("optimizer", name, "lr")
    yield Finding(
        "learning-rate-out-of-range",
        f"learning rate {show(rate)} is far too {side} for {name}",
        path,
        tuple(notes),
        f"usual for {name}: {usual}",
        cure=SetNumber(path, float(f"{begin:.3g}")),
    )


def _highest_unnormalised(graph: Graph) -> tuple[float, str]:
    """The highest effective rate of sgd for a network that normalises nothing, and the reason in words."""
    depths: dict[str, int] = {}
    convolves, activations = False, []
    for path, node in graph.nodes.items():
        behaviour = behaviour_of(node.op)
        depths[path] = max((depths.get(source, 0) for source in node.inputs), default=0) + behaviour.linear
        convolves = convolves or (behaviour.linear and behaviour.reach != "features")
        if behaviour.pointwise and not behaviour.is_idle and not node.parameters and behaviour.joins == "none":
            activations.append(behaviour.is_bounded and behaviour.keeps is None)
    layers = max(depths.values(), default=0)
    why = f"{layers} layers with weights, and nothing that normalises"
    if activations and all(activations):
        return HIGHEST_BOUNDED, why
    if layers > max(HIGHEST_UNNORMALISED) and convolves:
        return HIGHEST_DEEP, why
    return HIGHEST_UNNORMALISED[max(1, min(layers, max(HIGHEST_UNNORMALISED)))], why
