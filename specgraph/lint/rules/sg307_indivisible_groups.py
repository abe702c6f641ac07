"""SG307 indivisible-groups: channels do not divide into the groups."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG307",
    name="indivisible-groups",
    severity="error",
    summary="channels do not divide into the groups",
    explanation="""\
Groups split the channels into equal parts that do not mix; in a convolution both the input's and
the output's channels are split.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, groups: 2}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 15, kernel_size: 3, groups: 3}
""",
    own_arguments=("groups", "num_groups"),
)
