"""SG601: ONNX cannot say what a node does."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG601",
    name="inexpressible-in-onnx",
    severity="error",
    summary="ONNX, or the chosen opset, cannot say what a node does",
    explanation="""An ONNX file is a fixed graph of fixed operators. Most nodes are one operator, the rest are
composed of several, exactly. A few cannot be said: adaptive pooling to more than one cell where the
input's size is a free symbol (its windows move with the size), batch normalisation that keeps no
running statistics (it depends on the rest of the batch), and plug-in ops that bring no ONNX
lowering. Such a node is reported when the spec is exported, before anything is written.

`specgraph check` does not report it: the network itself is sound.""",
    bad="""specgraph: 1
name: any-size
inputs:
  image: [3, H, W]
nodes:
  pool: {op: adaptive_avg_pool, output_size: 6}
""",
    good="""specgraph: 1
name: one-size
inputs:
  image: [3, 32, 32]
nodes:
  pool: {op: adaptive_avg_pool, output_size: 6}
""",
)
