"""SG206 unknown-op: an op that does not exist."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG206",
    name="unknown-op",
    severity="error",
    summary="an op that does not exist",
    explanation="""\
Ops have lower-case, dimension-free names: `conv` is 1-D, 2-D or 3-D by its input. `specgraph
schema` lists them all; a project's own come in as plug-ins.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: covn, out_channels: 16, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3}
""",
)
