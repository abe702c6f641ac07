"""SG514 unknown-data-set: a data set that is not built in."""

from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG514",
    name="unknown-data-set",
    severity="warning",
    summary="a data set that is not built in",
    explanation="""\
Known are digits, mnist, fashion_mnist, cifar10, cifar100 and folder. Others can be registered from Python
with `specgraph.datasets.load.register_dataset`, which a check of the file cannot know.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnits}
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
