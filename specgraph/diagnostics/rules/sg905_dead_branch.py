"""SG905 dead-branch: a node is computed, but nothing reads it and it is no output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.diagnostics.lint import Lint

RULE = Rule(
    code="SG905",
    name="dead-branch",
    severity="warning",
    summary="a node is computed, but nothing reads it and it is no output",
    explanation="""\
What such a node computes reaches no output, so its parameters never learn and its time is wasted.
Usually a `from` names the wrong node, or an auxiliary head is missing in `outputs`.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  b: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  relu: relu
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  b: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  add: {op: add, from: [a, b]}
""",
)


def check(lint: Lint) -> None:
    ends = [path for path, readers in lint.readers.items() if not readers and path not in lint.outputs]
    for path in ends:
        node = lint.graph.nodes.get(path)
        if node is None:
            continue  # an input: unused-input
        instances = lint.by_definition[id(lint.written[path])]
        if all(not lint.readers[other.path] and other.path not in lint.outputs for other in instances):
            head = "list it under outputs:" if node.train_only else "read it, make it an output, or remove it"
            lint.report("dead-branch", f"node `{path}` is read by no node and is no output", node, help=head)
