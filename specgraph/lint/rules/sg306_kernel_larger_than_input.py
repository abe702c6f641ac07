"""SG306 kernel-larger-than-input: a window does not fit into its padded input."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG306",
    name="kernel-larger-than-input",
    severity="error",
    summary="a window does not fit into its padded input",
    explanation="""\
A convolution or pooling needs at least one whole window. Late in a network maps are small: five
halvings leave 7x7 of 224x224 but 1x1 of 32x32. A dilated window reaches over
dilation*(kernel_size - 1) + 1 values.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 4, 4]}
nodes:
  pool: {op: avg_pool, kernel_size: 8}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 4, 4]}
nodes:
  pool: {op: avg_pool, kernel_size: 4}
""",
)
