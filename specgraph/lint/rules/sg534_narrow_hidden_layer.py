"""SG534 narrow-hidden-layer: a hidden layer with fewer features than there are classes."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained
from specgraph.ops.registry import behaviour_of

RULE = Rule(
    code="SG534",
    name="narrow-hidden-layer",
    severity="info",
    summary="a hidden layer with fewer features than there are classes",
    explanation="""\
Scores of many classes are sums of the features of the last hidden layer. With fewer features than classes the
scores cannot be chosen independently of each other, and the layer is often a mistake. Maps that a pooling has
reduced are not reported.
""",
    bad="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 4}
  relu: relu
  fc2: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
""",
    good="""\
specgraph: 1
inputs: {image: [1, 28, 28]}
nodes:
  flatten: flatten
  fc1: {op: linear, out_features: 40}
  relu: relu
  fc2: {op: linear, out_features: 10}
recipes:
  default:
    data: {name: mnist}
""",
    tasks=("classification",),
)


def find(trained: Trained) -> Iterator[Finding]:
    nodes, passed = trained.graph.nodes, 0
    node = nodes.get(trained.head)
    while node is not None and len(node.inputs) == 1:
        behaviour = behaviour_of(node.op)
        if behaviour.linear and behaviour.reach == "features":
            width = node.output.dims[0]
            if passed and isinstance(width, int) and width < trained.num_scores:
                yield Finding(
                    "narrow-hidden-layer",
                    f"`{node.path}` has {width} features, fewer than the {trained.num_scores} classes",
                    help=f"give it {trained.num_scores} features or more",
                )
            passed += 1
        elif behaviour.linear:
            return
        node = nodes.get(node.inputs[0])
