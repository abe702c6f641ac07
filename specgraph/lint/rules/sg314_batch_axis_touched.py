"""SG314 batch-axis-touched: an op reaches over the batch axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG314",
    name="batch-axis-touched",
    severity="error",
    summary="an op reaches over the batch axis",
    explanation="""\
Axis numbers count as PyTorch does, with the batch as axis 0. Samples are independent: a softmax, a
mean or a concat over the batch, or moving it, would make a prediction depend on what else is in the
batch.
""",
    bad="""\
specgraph: 1
inputs: {x: [10]}
nodes:
  softmax: {op: softmax, dim: 0}
""",
    good="""\
specgraph: 1
inputs: {x: [10]}
nodes:
  softmax: {op: softmax, dim: 1}
""",
)


def _axis(source: str, type: TensorType, name: str, value: int, rank: int) -> Words:
    return Words(
        f"`{name}` is {value}, which is the batch axis; samples must stay independent",
        (f"{source} is {type} behind the batch axis",),
        f"write {name}: 1" + (f", or another axis up to {rank - 1}" if rank > 2 else ""),
    )


MESSAGES = {
    "axis": _axis,
    "dims": Message("`dims` moves the batch axis: {dims} does not start with 0", help="write dims: {fitting}"),
}
