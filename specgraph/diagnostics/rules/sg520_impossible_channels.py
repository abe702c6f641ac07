"""SG520 impossible-channels: images cannot be brought to the network's channels."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG520",
    name="impossible-channels",
    severity="error",
    summary="images cannot be brought to the network's channels",
    explanation="""\
Grey can be repeated and colour can become grey; there is no right way from three channels to another
number.
""",
    bad="""\
specgraph: 1
inputs: {image: [4, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: cifar10}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: cifar10}
""",
)
