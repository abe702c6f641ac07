"""SG558 nothing-to-train: a recipe for a network without parameters."""

from __future__ import annotations

from collections.abc import Iterator

from specgraph.diagnostics.rule import Rule
from specgraph.lint.recipes import Finding, Trained

RULE = Rule(
    code="SG558",
    name="nothing-to-train",
    severity="error",
    summary="a recipe for a network without parameters",
    explanation="""\
Training changes weights, and a network without any has nothing to learn by. Training refuses it; `check` warns, as
everything else works.
""",
    bad="""\
specgraph: 1
inputs: {image: [10, 28, 28]}
nodes:
  pool: global_avg_pool
  flatten: flatten
recipes:
  default:
    data: {name: folder, shape: [10, 28, 28], classes: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [10, 28, 28]}
nodes:
  conv: {op: conv, out_channels: 10, kernel_size: 3}
  pool: global_avg_pool
  flatten: flatten
recipes:
  default:
    data: {name: folder, shape: [10, 28, 28], classes: 10}
""",
)


def find(trained: Trained) -> Iterator[Finding]:
    if not any(node.parameters for node in trained.graph.nodes.values()):
        yield Finding(
            "nothing-to-train",
            "nothing to train: the network has no parameters",
            help="add a conv or a linear to it",
            severity="warning",
            at=trained.head,
        )
