"""SG503 channel-conversion: images are brought to the number of channels the network takes."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG503",
    name="channel-conversion",
    severity="info",
    summary="images are brought to the number of channels the network takes",
    explanation="""\
Grey images are repeated to every channel, colour images become grey (ITU-R BT.601). Both happen on the
device, batch by batch.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 28, 28]}
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
