"""SG308 padding-too-large: more padding than the op can take."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG308",
    name="padding-too-large",
    severity="error",
    summary="more padding than the op can take",
    explanation="""\
A pooling may be padded by half its kernel at most, or a window could lie in the padding alone.
Reflection takes its values from the input, which must be larger than the padding; circular padding
goes round once at most.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  pool: {op: max_pool, kernel_size: 2, padding: 2}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  pool: {op: max_pool, kernel_size: 2, padding: 1}
""",
    own_arguments=("padding",),
)
