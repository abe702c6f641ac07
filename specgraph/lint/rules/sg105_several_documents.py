from __future__ import annotations

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG105",
    name="several-documents",
    severity="error",
    summary="a file holds more than one YAML document",
    explanation="""\
A file holds one spec. A line `---` begins another document.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu
---
nodes: {}
""",
    good="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu
""",
)
