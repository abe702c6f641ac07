"""SG211 unknown-variable: an expression uses a name that nothing defines."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG211",
    name="unknown-variable",
    severity="error",
    summary="an expression uses a name that nothing defines",
    explanation="""\
A bare name in an expression is a variable of the file, an argument or variable of the block,
`index`, or a size of the node's own input (`in_channels`). A size of another node is written
`node.channels`. A block sees its own arguments and its own file's variables, never the
caller's.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
vars: {classes: 10}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: $clases}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
vars: {classes: 10}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: $classes}
""",
)
