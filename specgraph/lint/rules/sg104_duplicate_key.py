from __future__ import annotations

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG104",
    name="duplicate-key",
    severity="error",
    summary="a key is there twice in one mapping",
    explanation="""\
YAML parsers commonly keep the last value and say nothing, so a node vanishes. Here both places are
shown.
""",
    bad="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu
  relu: sigmoid
""",
    good="""\
specgraph: 1
inputs:
  image: [1, 8, 8]
nodes:
  relu: relu
  pool: global_avg_pool
""",
)
MESSAGES = {
    "twice": Message(
        "key `{key}` is there twice",
        notes=("the first is in line {line}",),
        help="rename or remove one of them",
    ),
}
