"""SG316 batch-broadcast: operands of different rank would be aligned over the batch axis."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG316",
    name="batch-broadcast",
    severity="error",
    summary="operands of different rank would be aligned over the batch axis",
    explanation="""\
Broadcasting aligns axes from behind. A vector (N, C) joined with a map (N, C, H, W) would put its
batch axis against the height, which PyTorch accepts where the two happen to be equal. Channels-first
factors need the shape (C, 1, 1).
""",
    bad="""\
specgraph: 1
inputs: {image: [8, 4, 4]}
nodes:
  pool: global_avg_pool
  gate: flatten
  scale: {op: mul, from: [image, gate]}
""",
    good="""\
specgraph: 1
inputs: {image: [8, 4, 4]}
nodes:
  gate: global_avg_pool
  scale: {op: mul, from: [image, gate]}
""",
)
