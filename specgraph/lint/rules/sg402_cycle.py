"""SG402 cycle: nodes that read each other in a circle."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG402",
    name="cycle",
    severity="error",
    summary="nodes that read each other in a circle",
    explanation="""\
A feed-forward network has an order in which its nodes can be computed. A cycle has none.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: relu, from: b}
  b: {op: global_avg_pool, from: a}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: relu, from: image}
  b: {op: global_avg_pool, from: a}
""",
)


DEPENDS = "node `{path}` depends on itself: {way}"


MESSAGES = {
    "loop": Message(DEPENDS, help="a network has no loops: read an earlier node"),
    "shared": Message(DEPENDS, help="the owner comes first: let `{owner}` share with `{sharer}`"),
    "hidden input": Message(
        DEPENDS, help="`{name}` is also an input, which the node hides: give the node another name"
    ),
    "shares with itself": Message(DEPENDS, help="leave share out: a node has its own parameters anyway"),
    "measures itself": Message(DEPENDS, help="measure an earlier node"),
}
