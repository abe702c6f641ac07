"""SG205 op-or-block: a node is neither an op nor a block, or both."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG205",
    name="op-or-block",
    severity="error",
    summary="a node is neither an op nor a block, or both",
    explanation="""\
A node is an op's name, a list of nodes, or a mapping with exactly one of `op` and `block`.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {type: conv, out_channels: 16, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3}
""",
)
MESSAGES = {
    "both": Message("{where} has both `op` and `block`", help="leave one out: a node is an op, or a use of a block"),
    "neither": Message("{where} has neither `op` nor `block`"),
}
