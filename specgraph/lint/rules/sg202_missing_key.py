"""SG202 missing-key: something required is missing."""

from specgraph.diagnostics.message import Message
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG202",
    name="missing-key",
    severity="error",
    summary="something required is missing",
    explanation="""\
A spec needs its language version, inputs and nodes; a block needs nodes. Nothing is guessed in
their place, but nodes that stand under another part, because `nodes:` was forgotten, are found.
""",
    bad="""\
specgraph: 1
nodes:
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  relu: relu
""",
)
MESSAGES = {
    "nodes": Message("the spec has no `nodes`", help="list the network's nodes under nodes:"),
    "inputs": Message(
        "the spec has no `inputs`", help="say what goes in, without the batch axis: inputs: {{image: [3, 224, 224]}}"
    ),
    "version": Message("the language version is missing", help="begin the file with specgraph: {version}"),
    "no node": Message("{what} is empty", help="a network has at least one node"),
    "nodes elsewhere": Message("{owner} has no `nodes`: {nodes} {place}"),
    "nodes of a block": Message("block `{block}` has no `nodes`", help="list its nodes"),
}
