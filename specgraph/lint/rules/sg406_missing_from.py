"""SG406 missing-from: the first node of a scope with several inputs does not say which it reads."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG406",
    name="missing-from",
    severity="error",
    summary="the first node of a scope with several inputs does not say which it reads",
    explanation="""\
A node reads the one before it; the first reads the scope's only input. With several inputs
there is nothing to assume.
""",
    bad="""\
specgraph: 1
inputs: {left: [3, 8, 8], right: [3, 8, 8]}
nodes:
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {left: [3, 8, 8], right: [3, 8, 8]}
nodes:
  relu: {op: relu, from: left}
  add: {op: add, from: [relu, right]}
""",
)
MESSAGES = {
    "nothing read": Message("{where} does not say what it reads", help="add from: with one of {names}"),
}
