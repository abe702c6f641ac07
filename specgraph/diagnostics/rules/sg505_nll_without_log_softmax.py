"""SG505 nll-without-log-softmax: nll needs log-probabilities."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG505",
    name="nll-without-log-softmax",
    severity="error",
    summary="nll needs log-probabilities",
    explanation="""\
`nll` takes the negative of the true class's entry as the loss. That is a likelihood only of
log-probabilities; of raw scores it falls without end and nothing is learned.
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
    loss: nll
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
