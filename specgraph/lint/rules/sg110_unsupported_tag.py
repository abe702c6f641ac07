from __future__ import annotations

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG110",
    name="unsupported-tag",
    severity="error",
    summary="a YAML tag is used",
    explanation="""\
Tags such as `!!str` or `!include` are not part of the language: text is quoted, files are included
with `include`.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: !op relu
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
    "tag": Message("tags (`{tag}`) are not supported", help="remove it; quote a value that is meant as text"),
    "directive": Message("tag directives are not supported"),
}
