"""SG320 unsupported-axes: a layer norm over axes that are neither the last ones nor the channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG320",
    name="unsupported-axes",
    severity="error",
    summary="a layer norm over axes that are neither the last ones nor the channels",
    explanation="""\
Layer normalisation takes the last axes, as PyTorch does, or the channels of a feature map alone, as
ConvNeXt does. For anything else permute first.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  norm: {op: layer_norm, axes: [1, 2]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  norm: {op: layer_norm, axes: [2, 3]}
""",
)


def _normalised(source: str, type: TensorType, op: str, axes: tuple[int, ...], rank: int) -> Words:
    last = list(range(rank - len(axes), rank))
    return Words(
        f"{op} cannot normalise over axes {', '.join(map(str, axes))} of {rank}",
        (f"{source} is {type}; it takes the last axes, or the channel axis 1 alone",),
        f"write axes: {last} or axes: [1], or permute first",
    )


MESSAGES = {"normalised": _normalised}
