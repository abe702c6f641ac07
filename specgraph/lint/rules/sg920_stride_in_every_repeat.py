"""SG920 stride-in-every-repeat: every instance of a repeated residual block shrinks the map again."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.model import Scope
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG920",
    name="stride-in-every-repeat",
    severity="warning",
    summary="every instance of a repeated residual block shrinks the map again",
    explanation="""\
In a stage of residual blocks only the first has a stride; a loop that passes the stride to all of them
halves the map with each block, and nothing else complains. Write `stride: $(2 if index == 0 else 1)`.
""",
    bad="""\
specgraph: 1
inputs: {image: [16, 32, 32]}
blocks:
  unit:
    args: {stride}
    nodes:
      conv: {op: conv, out_channels: 16, kernel_size: 3, stride: $stride, padding: 1}
      relu: relu
      skip: {op: max_pool, from: input, kernel_size: 1, stride: $stride}
      add: {op: add, from: [relu, skip]}
nodes:
  stage: {block: unit, repeat: 3, stride: 2}
""",
    good="""\
specgraph: 1
inputs: {image: [16, 32, 32]}
blocks:
  unit:
    args: {stride}
    nodes:
      conv: {op: conv, out_channels: 16, kernel_size: 3, stride: $stride, padding: 1}
      relu: relu
      skip: {op: max_pool, from: input, kernel_size: 1, stride: $stride}
      add: {op: add, from: [relu, skip]}
nodes:
  stage: {block: unit, repeat: 3, stride: $(2 if index == 0 else 1)}
""",
    needs=("repeats",),
)


def check(lint: Lint) -> None:
    graph = lint.graph
    for path, scope in graph.scopes.items():
        if scope.kind != "repeat" or len(scope.children) < 2:
            continue
        instances = [graph.scopes.get(f"{path}.{name}") for name in scope.children]
        outputs = [graph.nodes.get(instance.output) if instance is not None else None for instance in instances]
        kinds = [node.output for node in outputs if node is not None]
        if len(kinds) != len(instances) or not all(kind.spatial_rank for kind in kinds):
            continue
        sizes = [kind.dims for kind in kinds]
        shrinking = all(before[0] == after[0] and before[1:] != after[1:] for before, after in pairwise(sizes))
        last = instances[-1]
        if shrinking and last is not None and _is_residual(lint, last):
            shown = " → ".join(str(kind) for kind in kinds)
            lint.report(
                "stride-in-every-repeat",
                f"node `{path}` shrinks its map in each of {len(kinds)} blocks: {shown}",
                scope.span,
                node=path,
                help="stride in the first block only: stride: $(2 if index == 0 else 1)",
            )


def _is_residual(lint: Lint, scope: Scope) -> bool:
    graph = lint.graph
    node = graph.nodes[scope.output]
    while (
        lint.behaviour(node).joins not in ("sum", "axis")
        and node.inputs
        and node.inputs[0] in graph.nodes
        and node.inputs[0].startswith(scope.path)
    ):
        node = graph.nodes[node.inputs[0]]
    return lint.behaviour(node).joins == "sum"
