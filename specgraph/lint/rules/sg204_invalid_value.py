"""SG204 invalid-value: a value is not of the kind that its key or argument takes."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG204",
    name="invalid-value",
    severity="error",
    summary="a value is not of the kind that its key or argument takes",
    explanation="""\
Every key and argument says what it takes: a positive integer, a number, true or false, one of a
few words, a list. Anything else would only fail later, and further away.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: many, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3}
""",
)
MESSAGES = {
    "initialiser of one axis": Message(
        "node `{path}`: `{initialiser}` needs two axes or more; `{name}` of {op} has one",
        help="use normal, uniform, constant, zeros or ones",
    ),
}
