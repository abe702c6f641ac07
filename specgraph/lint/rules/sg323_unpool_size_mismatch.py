"""SG323 unpool-size-mismatch: a map to unpool is not as large as the pooled map that says where its values go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG323",
    name="unpool-size-mismatch",
    severity="error",
    summary="a map to unpool is not as large as the pooling that it undoes makes its second input",
    explanation="""\
`max_unpool` puts each value of its first input where its second input, the map that was pooled, has
the largest value of a window. So the first input has as many channels, and one position for each
window.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  pool: {op: max_pool, kernel_size: 2}
  wide: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  unpool: {op: max_unpool, from: [wide, conv], kernel_size: 2}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  pool: {op: max_pool, from: conv, kernel_size: 2}
  middle: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  unpool: {op: max_unpool, from: [middle, conv], kernel_size: 2}
""",
)


def _pooled(
    source: str, type: TensorType, whole: str, whole_type: TensorType, wanted: TensorType, kernel: tuple[int, ...]
) -> Words:
    by = "x".join(map(str, kernel if len(set(kernel)) > 1 else kernel[:1]))
    return Words(
        f"{source} is {type}, but {whole} pooled by {by} is {wanted}",
        (f"{whole} is {whole_type}",),
        f"give {source} the shape {wanted}, or name the map that was pooled to its size as the second input",
    )


MESSAGES = {"pooled": _pooled}
