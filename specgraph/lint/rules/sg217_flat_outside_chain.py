"""SG217 flat-outside-chain: `flat` without numbers to continue."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG217",
    name="flat-outside-chain",
    severity="error",
    summary="`flat` without numbers to continue",
    explanation="""\
`flat: true` lets the entries of a list-bodied block take the numbers of the list around it, as
VGG's features do. It means nothing elsewhere.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  unit: {nodes: [{op: conv, out_channels: 8, kernel_size: 3}, relu]}
nodes:
  a: {block: unit, flat: true}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
blocks:
  unit: {nodes: [{op: conv, out_channels: 8, kernel_size: 3}, relu]}
nodes:
  a:
    - {block: unit, flat: true}
""",
)
MESSAGES = {
    "no list": Message(
        "node `{path}`: `flat` needs a block whose nodes are a list, inside a list",
        help="remove flat, or write both as lists",
    ),
    "of blocks": Message(
        "{where}: `{name}` is for blocks, not for an op", help="remove flat: an op in a list takes one number anyway"
    ),
}
