"""SG316 batch-broadcast: operands of different rank would be aligned over the batch axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule
from specgraph.lint.joined import read_through

if TYPE_CHECKING:
    from specgraph.graph.dims import Dim
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG316",
    name="batch-broadcast",
    severity="error",
    summary="operands of different rank would be aligned over the batch axis",
    explanation="""\
Broadcasting aligns axes from the last. A vector (N, C) joined with a map (N, C, H, W) would put its
batch axis against the height, which PyTorch accepts where the two happen to be equal. Channels-first
factors need the shape (C, 1, 1). A tensor of parameters and constants alone has no samples, and may have fewer axes.
""",
    bad="""\
specgraph: 1
inputs: {image: [8, 4, 4]}
nodes:
  pool: global_avg_pool
  gate: flatten
  scale: {op: mul, from: [image, gate]}
""",
    good="""\
specgraph: 1
inputs: {image: [8, 4, 4]}
nodes:
  gate: global_avg_pool
  scale: {op: mul, from: [image, gate]}
""",
)


def _ranks(
    left: str, right: str, types: tuple[TensorType, TensorType], fewer: str, source: str | None, shape: list[Dim]
) -> Words:
    """`fewer` is the input with fewer axes, `shape` what it may be reshaped to."""
    return Words(
        f"joins {left} of {types[0]} with {right} of {types[1]}, which differ in rank",
        (f"axes are aligned from behind, so the batch axis of {fewer} would meet another axis",),
        read_through(source, f"op: reshape, from: {{}}, shape: [{', '.join(map(str, shape))}]"),
        subject="node",
    )


MESSAGES = {
    "ranks": _ranks,
    "samples": Message(
        "cannot join {shared}, which is the same for all samples, with a value that has samples",
        help="join them with add, mul or concat first",
        subject="node",
    ),
}
