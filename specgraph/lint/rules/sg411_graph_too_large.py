"""SG411 graph-too-large: more nodes than the limit."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG411",
    name="graph-too-large",
    severity="error",
    summary="more nodes than the limit",
    explanation="""\
A repeat or nested blocks expand to more nodes than any network has. The limit protects against
a mistake of a digit, and against hostile files.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  tanh: {op: tanh, repeat: 1000000000}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  tanh: {op: tanh, repeat: 2}
""",
)
MESSAGES = {
    "nodes": Message("{what}; the limit is {most} nodes", help="use smaller repeats, or raise SPECGRAPH_MAX_NODES"),
}
