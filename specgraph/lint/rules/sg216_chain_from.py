"""SG216 chain-from: `from` inside a chain."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG216",
    name="chain-from",
    severity="error",
    summary="`from` inside a chain",
    explanation="""\
A list of nodes says that each reads the one before it. Only the first entry may say where the
chain begins.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: relu
  body:
    - {op: conv, out_channels: 8, kernel_size: 1}
    - {op: relu, from: a}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: relu
  body:
    - {op: conv, from: a, out_channels: 8, kernel_size: 1}
    - relu
""",
)
MESSAGES = {
    "later": Message("{what} entry {index}: only the first entry of a chain may have `from`"),
}
