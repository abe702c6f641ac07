from __future__ import annotations

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG109",
    name="merge-key",
    severity="error",
    summary="a YAML merge key is used",
    explanation="""\
`<<` belongs to YAML 1.1 and hides where a value comes from. `defaults` and blocks with arguments
say the same.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
vars:
  base: {a: 1}
  more: {<<: {b: 2}, a: 2}
nodes:
  pad: {op: relu, when: $(base["a"] == more["a"] - 1)}
""",
    good="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu
""",
)
