"""SG321 nothing-to-normalise: an instance or group norm over single values."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG321",
    name="nothing-to-normalise",
    severity="error",
    summary="an instance or group norm over single values",
    explanation="""\
Instance normalisation takes each channel's mean over its positions. With one position the result is
0 whatever comes in, and PyTorch refuses to train it. The same holds for a group norm whose groups are
single values: PyTorch runs it for batches, and stops when it is given one image.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  pool: global_avg_pool
  norm: instance_norm
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  norm: instance_norm
  pool: global_avg_pool
""",
)
