"""SG403 duplicate-path: two nodes with one path."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG403",
    name="duplicate-path",
    severity="error",
    summary="two nodes with one path",
    explanation="""\
A path is a module's place and a parameter's key, so it can be had once; and a node that is an
op cannot hold other nodes.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  body: {op: conv, out_channels: 16, kernel_size: 3}
  body.relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  body.conv: {op: conv, out_channels: 16, kernel_size: 3}
  body.relu: relu
""",
)
