from __future__ import annotations

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG107",
    name="too-deep",
    severity="error",
    summary="lists and mappings are nested too deeply",
    explanation="""\
No network needs lists and mappings nested a hundred deep; blocks give structure instead.
`SPECGRAPH_MAX_DEPTH` raises the limit.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
vars:
  x: """
    + "[" * 110
    + "]" * 110
    + """
nodes:
  relu: relu
""",
    good="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu
""",
)
