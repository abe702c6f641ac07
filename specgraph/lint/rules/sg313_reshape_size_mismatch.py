"""SG313 reshape-size-mismatch: a reshape changes the number of values."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG313",
    name="reshape-size-mismatch",
    severity="error",
    summary="a reshape changes the number of values",
    explanation="""\
A reshape keeps all values, so the product of the sizes stays. The batch axis is not part of the
shape. One size may be -1 and is worked out; the others must divide what there is.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  tokens: {op: reshape, shape: [3, 1000]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  tokens: {op: reshape, shape: [3, -1]}
""",
)
