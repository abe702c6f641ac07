"""SG515 unknown-loss-output: a loss weight for an output that does not exist."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG515",
    name="unknown-loss-output",
    severity="error",
    summary="a loss weight for an output that does not exist",
    explanation="""\
`loss_weights` gives the outputs beside the main one their weight, by the names under `outputs`; the main
one (the first present at inference) counts 1.
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
    loss_weights: {aux1: 0.3}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  aux: {op: linear, train_only: true, out_features: 10}
  fc: {op: linear, from: flatten, out_features: 10}
outputs: {scores: fc, aux1: aux}
recipes:
  default:
    data: {name: mnist}
    loss_weights: {aux1: 0.3}
""",
)
