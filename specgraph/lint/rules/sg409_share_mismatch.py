"""SG409 share-mismatch: nodes that cannot share parameters."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG409",
    name="share-mismatch",
    severity="error",
    summary="nodes that cannot share parameters",
    explanation="""\
`share` calls another node's module again. That works only for the same op with the same arguments:
one convolution cannot have two strides.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, out_channels: 8, kernel_size: 3}
  relu: relu
  b: {op: conv, out_channels: 8, kernel_size: 3, share: a}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, out_channels: 3, kernel_size: 3}
  relu: relu
  b: {op: conv, out_channels: 3, kernel_size: 3, share: a}
""",
)


def _node(problem: str) -> Message:
    help = "share takes a node of the same op with the same arguments, whose module is called again"
    return Message(f"node `{{path}}` cannot share parameters: {problem}", help=help)


def _block(problem: str) -> Message:
    help = "share takes a node of the same block, with the same arguments"
    return Message(f"node `{{path}}` cannot share parameters: {problem}", help=help)


MESSAGES = {
    "absent": _node("`{owner}` is absent here, so it owns nothing"),
    "several nodes": _node("`{owner}` is no single node"),
    "no owner": _node("there is no `{owner}`"),
    "input": _node("`{owner}` is an input"),
    "another op": _node("`{owner}` is a {theirs}, this is a {op}"),
    "other parameters": _node("`{owner}` has parameters {theirs}; this node needs {ours}"),
    "another argument": _node("`{owner}` has {name} {theirs}, this node {ours}"),
    "other axes": _node("`{owner}` reads {theirs} axes, this node {ours}"),
    "absent block": _block("`{owner}` is absent here, so it owns nothing"),
    "no block": _block("`{owner}` is not an instance of a block"),
    "another block": _block("`{owner}` is {theirs}, this is block `{block}`"),
}
