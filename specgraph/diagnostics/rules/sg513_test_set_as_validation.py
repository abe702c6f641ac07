"""SG513 test-set-as-validation: the best epoch is chosen on the test set."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG513",
    name="test-set-as-validation",
    severity="warning",
    summary="the best epoch is chosen on the test set",
    explanation="""\
The test accuracy is then the best of all epochs on that very set, and too good. Many published recipes do
so; kept for fidelity, it deserves a suppression comment with the reason.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, validation: test}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist, validation: 0.1}
""",
)
