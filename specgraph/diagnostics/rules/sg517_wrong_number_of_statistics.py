"""SG517 wrong-number-of-statistics: means and deviations do not fit the channels."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG517",
    name="wrong-number-of-statistics",
    severity="error",
    summary="means and deviations do not fit the channels",
    explanation="""\
`normalize` takes one mean and one deviation per channel of the images.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, normalize: {mean: [0.5, 0.5], std: [0.2, 0.2]}}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, normalize: {mean: [0.1307], std: [0.3081]}}
""",
)
