"""SG900 unused-suppression: a comment silences nothing."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG900",
    name="unused-suppression",
    severity="warning",
    summary="a comment silences nothing",
    explanation="""\
`# specgraph: ignore[SG901]` silences that warning on its line. Once the cause is gone the comment
only hides the next one, so it is reported. Errors cannot be silenced, and the comment must stand on
the line that is reported.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}  # specgraph: ignore[SG900]
  relu: relu
  pool: global_avg_pool
  flatten: flatten
  fc: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  relu: relu
  pool: global_avg_pool
  flatten: flatten
  fc: {op: linear, out_features: 10}
""",
)
