"""SG602: a number is too large for half precision."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG602",
    name="half-precision-overflow",
    severity="error",
    summary="a weight or constant does not fit into half precision",
    explanation="""\
With `--fp16` every weight and constant of the file becomes a 16-bit number, of which the largest
is 65504. A value beyond that would turn into infinity and the network's output into nonsense. It is
reported when the spec is exported, before anything is written.

Weights that large usually come from a training that diverged; export in single precision, or look
at the training first.""",
    bad="""specgraph: 1
name: wide-clamp
inputs:
  image: [3, 8, 8]
nodes:
  clamp: {op: hardtanh, min_val: -1e6, max_val: 1e6}
""",
    good="""specgraph: 1
name: narrow-clamp
inputs:
  image: [3, 8, 8]
nodes:
  clamp: {op: hardtanh, min_val: -1000, max_val: 1000}
""",
)
