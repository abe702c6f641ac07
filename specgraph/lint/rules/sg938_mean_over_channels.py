"""SG938 mean-over-channels: a mean over the channels and all spatial axes of a map but the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specgraph.diagnostics.model import Fix
from specgraph.diagnostics.rule import Rule
from specgraph.kinds.shown import show

if TYPE_CHECKING:
    from specgraph.graph.model import Node
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG938",
    name="mean-over-channels",
    severity="warning",
    summary="a mean over the channels and all spatial axes of a map but the last",
    explanation="""\
Where the channels come last, as in Keras and TensorFlow, axes 1 and 2 are the height and width of a map. Here the
channels are axis 1: a mean over axes 1 and 2 mixes all channels and leaves one value for each column. The mean of each
channel is over axes 2 and 3, or a `global_avg_pool`. A mean over the channels alone or over one spatial axis is not
reported.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3}
  relu: relu
  mean: {op: mean, dim: [1, 2]}
  fc: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3}
  relu: relu
  mean: {op: mean, dim: [2, 3]}
  fc: {op: linear, out_features: 10}
""",
    needs=("mixed axes",),
)
WORDS = {"D": "depth", "H": "height", "W": "width"}


def check(lint: Lint) -> None:
    for node in lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.mixes)):
        kind = node.input_types[0]
        meant = list(range(2, kind.spatial_rank + 2))
        if len(meant) < 2 or node.output.dims == kind.dims or _axes(lint, node) != {axis - 1 for axis in meant}:
            continue
        mixed = [WORDS[axis] for axis in kind.axes[1:-1]]
        lint.report(
            "mean-over-channels",
            f"node `{node.path}` takes the mean over the channels and the {' and '.join(mixed)}: what is left is one "
            f"value for each position along the {WORDS[kind.axes[-1]]}",
            lint.names(node, str(lint.behaviour(node).mixes)),
            node=node.path,
            help=f"write {lint.behaviour(node).mixes}: {show(meant)} for the mean of each channel",
            fix=_fix(lint, node, meant),
        )


def _axes(lint: Lint, node: Node) -> set[int]:
    """The axes that a node mixes, the batch axis 0."""
    given: Any = node.arguments[str(lint.behaviour(node).mixes)]
    rank = len(node.input_types[0].dims) + 1
    return {axis % rank for axis in (given if isinstance(given, tuple | list) else (given,))}


def _fix(lint: Lint, node: Node, meant: list[int]) -> Fix | None:
    from specgraph.cures.edits import set_argument

    edit = set_argument(lint.written[node.path], str(lint.behaviour(node).mixes), meant)
    return None if edit is None else Fix("unsafe", (edit,))
