"""SG322 tensor-too-large: a tensor with more values than any machine holds."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG322",
    name="tensor-too-large",
    severity="error",
    summary="a tensor with more values than any machine holds",
    explanation="""\
Outputs and parameters may have up to 2^48 values for one sample, a petabyte. More is a slip: a digit
too many, or a scale that is applied in a loop.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  up: {op: upsample, scale_factor: 1000000000}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  up: {op: upsample, scale_factor: 2}
""",
)
