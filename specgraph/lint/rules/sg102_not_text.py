from __future__ import annotations

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG102",
    name="not-text",
    severity="error",
    summary="a file is not UTF-8 text",
    explanation="""\
A spec is UTF-8 text. Binary files, UTF-16 and control characters cannot be read; the first
offending byte or character is named.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu   # a bell: \x07
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
    "wide characters": Message("the file is UTF-16 or UTF-32, not UTF-8", help="save it as UTF-8"),
    "binary": Message("the file is binary, not text", help="a spec is YAML or JSON"),
    "byte": Message("the byte {byte} is not UTF-8", help="save the file as UTF-8"),
    "mark": Message(
        "an invisible byte-order mark (U+FEFF) begins this line", help="remove it: it can only begin a file"
    ),
    "character": Message(
        "the character {character} is not allowed in a spec",
        help="remove it, or write it as an escape in double quotes",
    ),
}
