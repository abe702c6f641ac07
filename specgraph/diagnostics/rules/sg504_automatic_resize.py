"""SG504 automatic-resize: images are brought to the size the network takes."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG504",
    name="automatic-resize",
    severity="info",
    summary="images are brought to the size the network takes",
    explanation="""\
Bilinear, antialiased where the image shrinks, on the device, batch by batch.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
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
