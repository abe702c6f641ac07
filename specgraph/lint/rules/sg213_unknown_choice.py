"""SG213 unknown-choice: a name that is none of those that fit here."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG213",
    name="unknown-choice",
    severity="error",
    summary="a name that is none of those that fit here",
    explanation="""\
Optimisers, schedules, losses, augmentations and initialisers are chosen by name, in the words
PyTorch uses.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default: {data: {name: cifar10}, optimizer: {sdg: {lr: 0.1}}}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default: {data: {name: cifar10}, optimizer: {sgd: {lr: 0.1}}}
""",
)
