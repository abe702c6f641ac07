"""SG320 unsupported-axes: a layer norm over axes that are neither the last ones nor the channels."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG320",
    name="unsupported-axes",
    severity="error",
    summary="a layer norm over axes that are neither the last ones nor the channels",
    explanation="""\
Layer normalisation takes the last axes, as PyTorch does, or the channels of a feature map alone, as
ConvNeXt does. For anything else permute first.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  norm: {op: layer_norm, axes: [1, 2]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  norm: {op: layer_norm, axes: [2, 3]}
""",
)
