"""SG509 learning-rate-out-of-range: a learning rate far outside the optimiser's range."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG509",
    name="learning-rate-out-of-range",
    severity="warning",
    summary="a learning rate far outside the optimiser's range",
    explanation="""\
SGD with rate 1e-4 for ten epochs learns nothing, and says nothing. Momentum m multiplies the rate by
1 / (1 - m) in effect; that product is what is compared with the range in which networks train: 2e-3 to 5
for sgd, 1e-6 to 3e-2 for adam and adamw, 1e-6 to 2 for rmsprop.
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
