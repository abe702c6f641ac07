from __future__ import annotations

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG103",
    name="invalid-syntax",
    severity="error",
    summary="the text is not YAML or JSON",
    explanation="""\
A bracket or quote is not closed, a line is indented like no line above it, a `: ` or a comma is
missing. Reading stops there: what follows cannot be understood.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  flatten: {op: flatten
  fc: {op: linear, out_features: 10}
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
