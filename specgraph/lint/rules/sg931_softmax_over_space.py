"""SG931 softmax-over-space: a softmax along the height or width of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.ops.behaviour import axis_of

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG931",
    name="softmax-over-space",
    severity="warning",
    summary="a softmax along the height or width of a map",
    explanation="""\
`dim` counts the batch axis: the channels of a map are axis 1. Along axis 2 or 3, or -1, the positions of one row
or column compete with each other, and not the classes at a position.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  softmax: {op: softmax, dim: -1}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  softmax: {op: softmax, dim: 1}
""",
    needs=("normalised scores",),
)
WORDS = {"D": "depth", "H": "height", "W": "width"}


def check(lint: Lint) -> None:
    transparent = lint.ops_where(lambda behaviour: behaviour.pointwise or behaviour.passes)
    for node in lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.normalises_scores)):
        kind = node.input_types[0]
        if not kind.is_feature_map or kind.spatial_rank < 2:
            continue
        first = lint.before(node.inputs[0], transparent)
        axis = axis_of(node, "dim") % len(kind.dims)
        if axis > 0 and first is not None and lint.behaviour(first).convolves:
            lint.report(
                "softmax-over-space",
                f"node `{node.path}` makes the positions along the {WORDS.get(kind.axes[axis], 'map')} sum to one, "
                "not the channels",
                lint.names(node, "dim"),
                node=node.path,
                help="write dim: 1 for the channels",
            )
