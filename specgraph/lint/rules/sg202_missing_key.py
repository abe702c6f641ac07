"""SG202 missing-key: something required is missing."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG202",
    name="missing-key",
    severity="error",
    summary="something required is missing",
    explanation="""\
A spec needs its language version, inputs and nodes; a block needs nodes. Nothing is guessed in
their place.
""",
    bad="""\
specgraph: 1
nodes:
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  relu: relu
""",
)
