"""SG516 not-a-classifier: a recipe for a network that is no image classifier."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG516",
    name="not-a-classifier",
    severity="warning",
    summary="a recipe for a network that is no image classifier",
    explanation="""\
Training knows classifiers with one image input: (C, H, W) in, one score per class out. Everything else
(checking, compiling, exporting, drawing) works for any network.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3}
recipes:
  default:
    data: {name: mnist}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
""",
)
