"""SG506 normalised-head: cross_entropy of scores that are normalised already."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG506",
    name="normalised-head",
    severity="warning",
    summary="cross_entropy of scores that are normalised already",
    explanation="""\
`cross_entropy` applies log_softmax itself. After `log_softmax` it does so twice, which changes nothing but
costs time; after `softmax` the scores lie in 0..1 and the gradients nearly vanish.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
  log_softmax: log_softmax
recipes:
  default:
    data: {name: mnist}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
  log_softmax: log_softmax
recipes:
  default:
    data: {name: mnist}
    loss: nll
""",
)
