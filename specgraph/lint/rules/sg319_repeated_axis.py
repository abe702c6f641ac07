"""SG319 repeated-axis: an axis is named twice."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG319",
    name="repeated-axis",
    severity="error",
    summary="an axis is named twice",
    explanation="""\
Each axis can be moved, averaged or normalised once.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  mean: {op: mean, dim: [2, 2]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  mean: {op: mean, dim: [2, 3]}
""",
)
MESSAGES = {"axis": Message("`{name}` names axis {axis} twice", help="name each axis once")}
