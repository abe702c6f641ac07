"""SG302 add-shape-mismatch: inputs of add, sub or mul differ in size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule
from specgraph.lint.joined import axis_name, listed, read_through

if TYPE_CHECKING:
    from specgraph.graph.dims import Dim
    from specgraph.graph.types import TensorType
    from specgraph.ops.joining import Projection

RULE = Rule(
    code="SG302",
    name="add-shape-mismatch",
    severity="error",
    summary="inputs that are joined value by value, multiplied or attended to differ in size",
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
    held = [index for index in (left, right) if not types[index].batched]
    if len(held) == 1 and wrong == [0] and wider.rank == 2:  # a position embedding for other tokens
        shape = [sides[1 if held[0] == left else 0][0], types[held[0]].dims[-1]]
        help = (
            f"give {names[held[0]]} a shape of [{', '.join(map(str, shape))}], the number of tokens written as an "
            "expression of the map's height and width"
        )
    return Words(
        f"joins {' and '.join(parts)}: {listed(names, types, [left, right])}",
        (f"its inputs: {listed(names, types)}",) if len(types) > 2 else (),
        help,
        subject="node",
    )


def _matrices(
    source: str, type: TensorType, names: tuple[str, ...], types: tuple[TensorType, ...], inner: tuple[Dim, Dim]
) -> Words:
    return Words(
        f"multiplies rows of {inner[0]} values with columns of {inner[1]}: {listed(names, types)}",
        (),
        "the last size of the first input is the last but one of the second: permute one of them",
        subject="node",
    )


def _lead(
    source: str, type: TensorType, names: tuple[str, ...], types: tuple[TensorType, ...], inner: tuple[Dim, Dim]
) -> Words:
    return Words(
        f"multiplies matrices whose axes before them differ: {listed(names, types)}",
        (),
        "make the axes before the last two agree, or of size 1",
        subject="node",
    )


def _queries_ranks(source: str, type: TensorType, names: tuple[str, ...], types: tuple[TensorType, ...]) -> Words:
    return Words(
        f"reads query, key and value of different rank: {listed(names, types, [0, 1, 2])}",
        (),
        "give all three the same number of axes",
        subject="node",
    )


def _queries(
    source: str,
    type: TensorType,
    names: tuple[str, ...],
    types: tuple[TensorType, ...],
    what: str,
    sizes: tuple[Dim, Dim],
    pair: tuple[int, int],
) -> Words:
    parts = ("query", "key", "value")
    return Words(
        f"has {sizes[0]} {what} in the {parts[pair[0]]} and {sizes[1]} in the {parts[pair[1]]}: "
        + listed(names, types, list(pair)),
        (),
        "query and key have the same features, key and value the same tokens",
        subject="node",
    )


def _bias(
    source: str, type: TensorType, names: tuple[str, ...], types: tuple[TensorType, ...], scores: tuple[Dim, ...]
) -> Words:
    shown = ", ".join(map(str, scores))
    return Words(
        f"adds {names[-1]} of {types[-1]} to scores of [{shown}]",
        (),
        "the last axes are queries and keys, or 1 if the bias is the same for all; axes before them are heads",
        subject="node",
    )


MESSAGES = {
    "operands": _operands,
    "matrices": _matrices,
    "lead": _lead,
    "queries ranks": _queries_ranks,
    "queries": _queries,
    "bias": _bias,
}
