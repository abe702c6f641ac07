"""SG302 add-shape-mismatch: inputs of add, sub or mul differ in size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule
from specgraph.lint.joined import axis_name, listed, read_through

if TYPE_CHECKING:
    from specgraph.graph.types import TensorType
    from specgraph.ops.joining import Projection

RULE = Rule(
    code="SG302",
    name="add-shape-mismatch",
    severity="error",
    summary="inputs of add, sub or mul differ in size",
    explanation="""\
Values are joined one by one, so all sizes must agree; a size of 1 is repeated, as in PyTorch. In a
residual network the shortcut must change its channels and its size together with the branch: by a
1x1 convolution with the same stride, or by subsampling and a pad of channels.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  b: {op: conv, out_channels: 32, kernel_size: 3, padding: 1}
  join: {op: add, from: [a, b]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  b: {op: conv, out_channels: 32, kernel_size: 3, padding: 1}
  shortcut: {op: conv, from: a, out_channels: 32, kernel_size: 1}
  join: {op: add, from: [b, shortcut]}
""",
)


def _operands(
    names: tuple[str, ...],
    types: tuple[TensorType, ...],
    left: int,
    right: int,
    wrong: list[int],
    projection: Projection | None,
) -> Words:
    """`wrong` are the axes that differ between the inputs `left` and `right`, counted in the one with more of them;
    `projection` would make them agree."""
    a, b = types[left], types[right]
    wider = a if a.rank >= b.rank else b
    sides = [(1,) * (wider.rank - kind.rank) + kind.dims for kind in (a, b)]
    are_maps = a.is_feature_map and b.is_feature_map
    spatial = [axis for axis in wrong if are_maps and a.rank == b.rank and axis > 0 and a.spatial_rank > 1]
    named = [axis for axis in wrong if len(spatial) < 2 or axis not in spatial]
    parts = [f"{sides[0][axis]} against {sides[1][axis]} {axis_name(wider, axis)}" for axis in named]
    if len(spatial) > 1:
        parts.append(" against ".join("x".join(map(str, kind.dims[1:])) for kind in (a, b)))
    help: str | None = "make the sizes agree, or one of them 1"
    if projection is not None:
        stride = f", stride: {projection.stride}" if projection.stride is not None else ""
        node = f"op: conv, from: {{}}, out_channels: {projection.channels}, kernel_size: 1{stride}"
        help = read_through(projection.source, node)
    elif are_maps:
        help = "make the sizes agree: the same stride on both paths, and a padding of half the kernel"
    return Words(
        f"joins {' and '.join(parts)}: {listed(names, types, [left, right])}",
        (f"its inputs: {listed(names, types)}",) if len(types) > 2 else (),
        help,
        subject="node",
    )


MESSAGES = {"operands": _operands}
