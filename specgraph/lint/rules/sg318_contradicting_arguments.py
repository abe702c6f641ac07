"""SG318 contradicting-arguments: arguments that exclude each other."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG318",
    name="contradicting-arguments",
    severity="error",
    summary="arguments that exclude each other",
    explanation="""\
Some arguments only make sense in certain company: `size` or `scale_factor`, not both;
`align_corners` with an interpolating mode; `output_padding` below the stride or the dilation;
bounds in their order.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  up: {op: upsample, size: 64, scale_factor: 2}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  up: {op: upsample, scale_factor: 2}
""",
)
