"""SG315 no-such-axis: an axis number lies outside the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG315",
    name="no-such-axis",
    severity="error",
    summary="an axis number lies outside the input",
    explanation="""\
Axis numbers count as PyTorch does: 0 is the batch, 1 the channels, and negative numbers count from
the end.
""",
    bad="""\
specgraph: 1
inputs: {x: [10]}
nodes:
  softmax: {op: softmax, dim: 2}
""",
    good="""\
specgraph: 1
inputs: {x: [10]}
nodes:
  softmax: {op: softmax, dim: -1}
""",
)


def _axis(source: str, type: TensorType, name: str, value: int, rank: int) -> Words:
    return Words(
        f"`{name}` is {value}, but {source} has {rank} axes with the batch axis 0",
        (f"{source} is {type} behind the batch axis",),
        f"write {name}: 1" + (f", or another axis up to {rank - 1}" if rank > 2 else ""),
    )


MESSAGES = {"axis": _axis}
