"""SG936 reshape-scrambles: a reshape that was meant to exchange axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.graph.dims import Dim
from specgraph.ops.registry import ops

if TYPE_CHECKING:
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG936",
    name="reshape-scrambles",
    severity="warning",
    summary="a reshape that was meant to exchange axes",
    explanation="""\
A reshape keeps all values in their order and only counts them otherwise. From 32x32x3 to 3x32x32 it does not put
the channels first: each new channel holds a third of the rows, colours mixed. To exchange axes, use permute.
""",
    bad="""\
specgraph: 1
inputs: {image: [24, 32, 5]}
nodes:
  order: {op: reshape, shape: [5, 24, 32]}
  conv: {op: conv, out_channels: 8, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [24, 32, 5]}
nodes:
  order: {op: permute, dims: [0, 3, 1, 2]}
  conv: {op: conv, out_channels: 8, kernel_size: 3}
""",
    needs=("regrouped values",),
)


def check(lint: Lint) -> None:
    for node in lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.view == "regrouped")):
        before, after = (tuple(dim for dim in kind.dims if dim != 1) for kind in (node.input_types[0], node.output))
        if before == after or len(before) < 2 or sorted(map(str, before)) != sorted(map(str, after)):
            continue
        order = _order(node.input_types[0].dims, node.output.dims)
        op = _reordering_op()
        written = f"{{op: {op}, dims: [{', '.join(map(str, (0, *order)))}]}}" if order else op
        lint.report(
            "reshape-scrambles",
            f"node `{node.path}` makes {_shown(node.output.dims)} of {_shown(node.input_types[0].dims)}: "
            "values stay in their order, so that the axes are mixed, not exchanged",
            node,
            help=f"to exchange axes, write {written}",
        )


def _reordering_op() -> str:
    """The op that exchanges axes as its `dims` say."""
    return next(op.name for op in ops().values() if op.behaviour.view == "reordered" and "dims" in op.arguments)


def _order(before: tuple[Dim, ...], after: tuple[Dim, ...]) -> list[int]:
    """The axes of `before`, the batch axis 0, in the order of `after`; empty where they are not the same sizes."""
    left = list(range(len(before)))
    order = []
    for size in after:
        found = next((axis for axis in left if before[axis] == size), None)
        if found is None:
            return []
        left.remove(found)
        order.append(found + 1)
    return [] if left else order


def _shown(dims: tuple[Dim, ...]) -> str:
    return f"[{', '.join(map(str, dims))}]"
