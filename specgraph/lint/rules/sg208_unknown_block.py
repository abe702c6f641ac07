"""SG208 unknown-block: a block that does not exist."""

from specgraph.diagnostics.message import Words, suggestion
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG208",
    name="unknown-block",
    severity="error",
    summary="a block that does not exist",
    explanation="""\
A block is defined under `blocks` of the same file, or in an included file and then named
`alias.block`.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  unit: {nodes: {conv: {op: conv, out_channels: 8, kernel_size: 3}}}
nodes:
  a: {block: unti}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  unit: {nodes: {conv: {op: conv, out_channels: 8, kernel_size: 3}}}
nodes:
  a: {block: unit}
""",
)


MOST_KNOWN = 20


def _no_such_block(path: str, name: str, known: list[str], close: str | None) -> Words:
    more = ", …" if len(known) > MOST_KNOWN else ""
    note = f"known: {', '.join(known[:MOST_KNOWN])}{more}" if known else "this file has no blocks"
    return Words(f"node `{path}` uses block `{name}`, which does not exist", (note,), suggestion(close))


MESSAGES = {
    "no such block": _no_such_block,
}
