from __future__ import annotations

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG101",
    name="empty-file",
    severity="error",
    summary="a file is empty",
    explanation="""\
There is nothing in the file besides comments, so there is nothing to check.
""",
    bad="""\
# to be written
""",
    good="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
""",
)
MESSAGES = {
    "empty": Message("the file is empty", help="`specgraph new NAME` writes a small spec to start from"),
    "comments": Message(
        "the file holds nothing but comments", help="`specgraph new NAME` writes a small spec to start from"
    ),
}
