from __future__ import annotations

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG102",
    name="not-text",
    severity="error",
    summary="a file is not UTF-8 text",
    explanation="""\
A spec is UTF-8 text. Binary files, UTF-16 and control characters cannot be read; the first
offending byte or character is named.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu   # a bell: \x07
""",
    good="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu
""",
)
