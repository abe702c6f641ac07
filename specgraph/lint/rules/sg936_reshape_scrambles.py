"""SG936 reshape-scrambles: a reshape that was meant to exchange axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule
from specgraph.graph.dims import Dim, product
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
the channels first: each new channel holds a third of the rows, colours mixed. To exchange axes, use permute. So it is
between a map and its tokens: from 64x8x8 to 64 tokens the axes are exchanged before they are joined.
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
    from specgraph.cures.structure import permute_before, permute_instead

    for node in lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.view == "regrouped")):
        kind = node.input_types[0]
        before, after = (tuple(dim for dim in each.dims if dim != 1) for each in (kind, node.output))
        turned = _turned(kind.dims, node.output.dims)
        if turned:
            fix, what = permute_before(lint.written[node.path], lint.document, turned), "{} before it"
        elif before == after or len(before) < 2 or sorted(map(str, before)) != sorted(map(str, after)):
            continue
        else:
            turned, what = _order(kind.dims, node.output.dims), "{}"
            fix = permute_instead(lint.written[node.path], turned) if turned else None
        lint.report(
            "reshape-scrambles",
            f"node `{node.path}` makes {_shown(node.output.dims)} of {_shown(kind.dims)}: "
            "values stay in their order, so that the axes are mixed, not exchanged",
            node,
            help=f"to exchange axes, write {what.format(_written(turned) if turned else _reordering_op())}",
            fix=fix,
        )


def _turned(before: tuple[Dim, ...], after: tuple[Dim, ...]) -> list[int]:
    """The order of axes that a map needs before its positions become rows, or rows before they become a map: of
    (C, H, W) to (H * W, C), and of (L, C) to (C, H, W). Empty where a reshape does something else."""
    if len(after) == 2 and len(before) > 2:
        rows, channels, order = product(before[1:]), before[0], [0, *range(2, len(before) + 1), 1]
        fits = after == (rows, channels)
    elif len(before) == 2 and len(after) > 2:
        rows, channels, order = product(after[1:]), after[0], [0, 2, 1]
        fits = before == (rows, channels)
    else:
        return []
    return order if fits and rows != channels and 1 not in (rows, channels) else []


def _written(order: list[int]) -> str:
    """The node that exchanges axes, as it is written."""
    return f"{{op: {_reordering_op()}, dims: [{', '.join(map(str, order))}]}}"


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
    return [] if left else [0, *order]


def _shown(dims: tuple[Dim, ...]) -> str:
    return f"[{', '.join(map(str, dims))}]"
