from __future__ import annotations

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG106",
    name="too-large",
    severity="error",
    summary="a file, or a number in it, is too large",
    explanation="""\
Files are limited in bytes and in values, so that no file can exhaust the machine. Large networks
are written with blocks and `repeat`. The limits are raised by `SPECGRAPH_MAX_BYTES` and
`SPECGRAPH_MAX_VALUES`.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
vars:
  x: """
    + "9" * 401
    + """
nodes:
  relu: {op: relu, when: $(x > 0)}
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
    "value": Message(
        "{where}: a list or mapping has more than {most} values or {levels} levels",
        help="use smaller lists, or raise SPECGRAPH_MAX_ALIASED_VALUES or SPECGRAPH_MAX_DEPTH",
    ),
    "inputs": Message(
        "the spec has more than {most} inputs", help="give one input more channels, and cut them apart with slice"
    ),
    "file": Message(
        "the file is larger than {most} bytes", help="use blocks and `repeat`, or raise SPECGRAPH_MAX_BYTES"
    ),
    "values of a file": Message(
        "the file holds more than {most} values", help="use blocks and `repeat`, or raise SPECGRAPH_MAX_VALUES"
    ),
    "number": Message("a number with {length} characters is too large", help="shorten it"),
}
