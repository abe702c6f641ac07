"""SG407 recursive-block: a block that contains itself."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG407",
    name="recursive-block",
    severity="error",
    summary="a block that contains itself",
    explanation="""\
Blocks are expanded, so one that contains itself has no end. Use `repeat` to stack a block.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  unit: {nodes: {conv: {op: conv, out_channels: 8, kernel_size: 1}, relu: relu, again: {block: unit}}}
nodes:
  a: {block: unit}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  unit: {nodes: {conv: {op: conv, out_channels: 8, kernel_size: 1}, relu: relu}}
nodes:
  a: {block: unit, repeat: 2}
""",
)
MESSAGES = {
    "contains itself": Message(
        "node `{path}`: block `{block}` contains itself ({chain})", help="use `repeat` to stack a block"
    ),
}
