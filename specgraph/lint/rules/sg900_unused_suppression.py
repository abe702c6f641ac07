"""SG900 unused-suppression: a comment silences nothing."""

from specgraph.diagnostics.message import Message
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
MESSAGES = {
    "no such rule": Message("there is no rule `{code}` to ignore", help="remove the comment"),
    "error": Message("{code} is an error, which cannot be ignored", help="remove the comment"),
    "nothing": Message("nothing on this line is reported as {code}", help="remove the comment"),
    "no rule": Message("the comment names no rule to ignore", help="name one: # specgraph: ignore[SG901]"),
}
