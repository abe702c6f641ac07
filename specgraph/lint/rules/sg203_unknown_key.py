"""SG203 unknown-key: a key that the language does not know."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG203",
    name="unknown-key",
    severity="error",
    summary="a key that the language does not know",
    explanation="""\
Keys are fixed, so that a misspelt one is found instead of ignored. The nearest known key is
offered.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  relu: relu
ouputs: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  relu: relu
outputs: relu
""",
)
