"""SG403 duplicate-path: two nodes with one path."""

from specgraph.diagnostics.message import Message
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

MESSAGES = {
    "instances": Message("node `{path}`: two instances have the same path", help="put $index into the name"),
    "nodes": Message("node `{path}`: another node has the same path", help="give one of them another name"),
    "inside a node": Message(
        "node `{path}` cannot lie inside `{outer}`, which is a node of its own", help="give one of them another name"
    ),
}
