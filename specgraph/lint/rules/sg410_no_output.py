"""SG410 no-output: a network without an output."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG410",
    name="no-output",
    severity="error",
    summary="a network without an output",
    explanation="""\
The output is the last node that is not `train_only`, or what `outputs` names. Something must
remain at inference.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  aux: {op: relu, train_only: true}
outputs: {aux: aux}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  relu: relu
""",
)
MESSAGES = {
    "train_only": Message(
        "the network has no output outside training", help="leave at least one output that is not train_only"
    ),
}
