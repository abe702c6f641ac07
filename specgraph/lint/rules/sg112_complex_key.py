from __future__ import annotations

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG112",
    name="complex-key",
    severity="error",
    summary="a key is a list or a mapping",
    explanation="""\
Keys are names, hence text. `{{a}: 1}` usually comes from a template of another tool.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu
  ? [a, b]
  : sigmoid
""",
    good="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu
""",
)
MESSAGES = {
    "collection": Message("a {what} cannot be a key", help="keys are text; quote this one if it is meant as text"),
}
