"""SG405 wrong-number-of-inputs: too few or too many inputs."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG405",
    name="wrong-number-of-inputs",
    severity="error",
    summary="too few or too many inputs",
    explanation="""\
Most ops read one tensor; `add`, `mul` and `concat` join several, named in `from`. A block reads
as many as its `inputs`.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}
  add: add
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 3, kernel_size: 3, padding: 1}
  add: {op: add, from: [conv, image]}
""",
)
MESSAGES = {
    "queries": Message(
        "takes a query alone, or query, key and value, not two inputs",
        help="key and value may be the same: from: [query, memory, memory]",
        subject="node",
    ),
}
