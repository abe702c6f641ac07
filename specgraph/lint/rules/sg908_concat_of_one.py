"""SG908 concat-of-one: a concat that joins a single input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG908",
    name="concat-of-one",
    severity="warning",
    summary="a concat that joins a single input",
    explanation="""\
A concat without `from` reads the node before it and gives it back. Where branches were to be joined,
name them all in `from`.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  concat: concat
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  b: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  concat: {op: concat, from: [a, b]}
""",
    needs=("joined axis",),
)


def check(lint: Lint) -> None:
    for definition, nodes in lint.definitions(*lint.ops_where(lambda behaviour: behaviour.joins == "axis")):
        if all(len(node.inputs) == 1 for node in nodes) and (definition.sources is None or definition.sources.constant):
            lint.report(
                "concat-of-one",
                f"node `{nodes[0].path}` joins nothing: its only input is `{nodes[0].inputs[0]}`",
                nodes[0],
                help="name the branches: from: [a, b], or remove it",
            )
