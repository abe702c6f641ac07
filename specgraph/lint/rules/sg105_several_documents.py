from __future__ import annotations

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG105",
    name="several-documents",
    severity="error",
    summary="a file holds more than one YAML document",
    explanation="""\
A file holds one spec. A line `---` begins another document.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu
---
nodes: {}
""",
    good="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu
""",
)
MESSAGES = {
    "second": Message(
        "a second document begins here; a file holds one spec",
        help="put it in a file of its own, or remove the `---`",
    ),
}
