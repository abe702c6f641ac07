from __future__ import annotations

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG107",
    name="too-deep",
    severity="error",
    summary="lists and mappings are nested too deeply",
    explanation="""\
No network needs lists and mappings nested a hundred deep; blocks give structure instead.
`SPECGRAPH_MAX_DEPTH` raises the limit.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
vars:
  x: """
    + "[" * 110
    + "]" * 110
    + """
nodes:
  relu: relu
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
    "blocks": Message(
        "blocks and chains are nested more than {most} deep",
        help="use `repeat` to stack a block, or raise SPECGRAPH_MAX_DEPTH",
    ),
    "includes": Message(
        "files include each other more than {most} deep", help="include fewer files, or raise SPECGRAPH_MAX_DEPTH"
    ),
    "collections": Message(
        "collections are nested more than {most} deep", help="use blocks, or raise SPECGRAPH_MAX_DEPTH"
    ),
    "collections of the parser": Message("collections are nested more than {most} deep", help="use blocks"),
}
