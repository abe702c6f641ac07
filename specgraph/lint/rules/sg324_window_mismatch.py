"""SG324 window-mismatch: windows do not fit a map, or a table of offsets does not fit windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.dims import Dim
    from specgraph.graph.types import TensorType

AXES = {1: ("places",), 2: ("rows", "columns"), 3: ("frames", "rows", "columns")}
MOST_CHOICES = 8
"""Window sizes that a message offers."""

RULE = Rule(
    code="SG324",
    name="window-mismatch",
    severity="error",
    summary="windows do not fit a map, or a table of offsets does not fit windows",
    explanation="""\
`window` cuts a map into equal windows. Swin fills the last ones with zeros, which is `ceil_mode: true`; MaxViT takes
only maps that divide, so its images have sides that are multiples of 224. `unwindow` puts windows together to a map as
large as its second input, which is the one that was cut. Two tokens of a window of a x b can have
(2a - 1) * (2b - 1) offsets, and the table of `relative_position_bias` has a row for each.
""",
    bad="""\
specgraph: 1
inputs: {image: [8, 30, 28]}
nodes:
  last: {op: permute, dims: [0, 2, 3, 1]}
  windows: {op: window, window_size: 7}
  mean: {op: mean, dim: [1, 2]}
""",
    good="""\
specgraph: 1
inputs: {image: [8, 30, 28]}
nodes:
  last: {op: permute, dims: [0, 2, 3, 1]}
  windows: {op: window, window_size: 7, ceil_mode: true}
  mean: {op: mean, dim: [1, 2]}
""",
    nearest_value=True,
)


def _indivisible(source: str, type: TensorType, size: Dim, each: int, axis: int, rank: int) -> Words:
    fitting = [n for n in range(2, each * 2 + 1) if isinstance(size, int) and size % n == 0 and n <= size]
    near = sorted(sorted(fitting, key=lambda n: abs(n - each))[:MOST_CHOICES])
    other = f", or a window_size of {' or '.join(map(str, near))} there" if near else ""
    return Words(
        f"{size} {AXES[rank][axis]} of {source} do not divide into windows of {each}",
        (f"{source} is {type}",),
        f"write ceil_mode: true, which fills the last windows with zeros{other}",
    )


def _map(
    source: str, type: TensorType, like: str, like_type: TensorType, wanted: tuple[Dim, Dim], window: tuple[int, ...]
) -> Words:
    return Words(
        f"{source} has {type.dims[0]} windows of {type.dims[1]} tokens, but {like} makes {wanted[0]} of {wanted[1]}",
        (f"{source} is {type}, {like} is {like_type}; windows are {'x'.join(map(str, window))}",),
        "name the map that was cut second, and write the same window_size as there",
    )


def _table(source: str, type: TensorType, rows: Dim, wanted: int, window: tuple[int, ...]) -> Words:
    sizes = "x".join(map(str, window))
    count = " * ".join(f"(2*{size} - 1)" for size in window)
    return Words(
        f"{source} has {rows} rows, but two tokens of a window of {sizes} have {wanted} offsets",
        (f"{source} is {type}; {count} = {wanted}",),
        f"give {source} a shape of [{wanted}, {type.dims[-1]}]",
    )


def _folded(
    source: str, type: TensorType, columns: Dim, wanted: int, output_size: tuple[int, ...], kernel: tuple[int, ...]
) -> Words:
    sizes, windows = ("x".join(map(str, each)) for each in (output_size, kernel))
    return Words(
        f"{source} has {columns} columns, but a map of {sizes} has {wanted} windows of {windows}",
        (f"{source} is {type}; there is a column for each window",),
        "give the output_size, kernel_size, stride, padding and dilation with which the columns were made",
    )


MESSAGES = {"indivisible": _indivisible, "map": _map, "table": _table, "folded": _folded}
