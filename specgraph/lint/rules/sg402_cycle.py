"""SG402 cycle: nodes that read each other in a circle."""

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
