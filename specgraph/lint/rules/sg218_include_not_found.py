"""SG218 include-not-found: an included file cannot be read."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG218",
    name="include-not-found",
    severity="error",
    summary="an included file cannot be read",
    explanation="""\
`include` maps an alias to a file of blocks; the path is relative to the file that includes it.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
include: {common: nowhere.yaml}
nodes:
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
include: {common: {specgraph: 1, blocks: {unit: {nodes: [relu]}}}}
nodes:
  unit: {block: common.unit}
""",
)
MESSAGES = {
    "unread": Message("include `{alias}`: {reason}", help="the path is relative to the file that includes it"),
}
