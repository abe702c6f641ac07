"""SG408 train-only-input: something needed at inference reads something that exists only in training."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG408",
    name="train-only-input",
    severity="error",
    summary="something needed at inference reads something that exists only in training",
    explanation="""\
A `train_only` node (an auxiliary head) is absent from inference and exports. Whatever reads it
must be absent too.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, out_channels: 8, kernel_size: 1}
  aux: {op: tanh, train_only: true}
  b: {op: add, from: [a, aux]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, out_channels: 8, kernel_size: 1}
  aux: {op: tanh, train_only: true}
  b: relu
outputs: {main: b, aux: aux}
""",
)
MESSAGES = {
    "in use": Message(
        "{where} reads `{source}`, which exists only in training",
        help="mark the reader train_only too, or read another node",
    ),
}
