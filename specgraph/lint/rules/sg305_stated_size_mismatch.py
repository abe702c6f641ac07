"""SG305 stated-size-mismatch: a stated size is not what the input has."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG305",
    name="stated-size-mismatch",
    severity="error",
    summary="a stated size is not what the input has",
    explanation="""\
`in_channels`, `in_features` and their like follow from the input and need not be said. Said, they
are the author's word on what should arrive, and the network may be what is wrong, so no automatic
fix touches them.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, in_features: 1024, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, in_features: 3072, out_features: 10}
""",
)
MESSAGES = {
    "size": Message(
        "states {name} {stated}, but its input {source} has {actual} {what}",
        ("{source} is {type}",),
        "write {name}: {actual}, or leave {name} out",
        subject="node",
    ),
    "slopes": Message(
        "states num_parameters {stated}, but its input {source} has {actual} channels",
        ("{source} is {type}",),
        "write num_parameters: {actual}, or 1 for one slope in all",
        subject="node",
    ),
}
