"""SG304 unflattened-linear-input: a linear layer reads a feature map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.dims import Dim
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG304",
    name="unflattened-linear-input",
    severity="error",
    summary="a linear layer reads a feature map",
    explanation="""\
A linear layer acts on the last axis. On a feature map (C, H, W) that is the width, and PyTorch
either fails with two numbers that name no layer or, where the width happens to fit, computes
something nobody wants. A flatten in front makes one axis of all. Maps with channels last, moved by
permute, and tokens are fine.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  fc: {op: linear, out_features: 10}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  flatten: flatten
  fc: {op: linear, out_features: 10}
""",
)


def _map(source: str, type: TensorType, stated: int | None, features: Dim) -> Words:
    acts_on = f"it would act on the last axis, {type.axes[-1]} = {type.dims[-1]}"
    return Words(
        f"is linear, but its input {source} is a feature map of {type}",
        (acts_on + (f", not on {stated} features" if stated is not None else ""),),
        f"put `flatten: flatten` in front of it, which gives {features} features",
        subject="node",
    )


MESSAGES = {"map": _map}
