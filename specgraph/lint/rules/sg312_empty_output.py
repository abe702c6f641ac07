"""SG312 empty-output: nothing is left of an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.dims import Dim
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG312",
    name="empty-output",
    severity="error",
    summary="nothing is left of an axis",
    explanation="""\
Sizes are at least 1. A slice whose bounds lie outside the axis, a scale factor that is too small or
a transposed convolution with too much padding leaves nothing. (PyTorch accepts some empty tensors;
no network means them.)
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  part: {op: slice, start: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  part: {op: slice, start: 2}
""",
)


def _slice(source: str, type: TensorType, size: Dim, start: int, stop: int | None, dim: int) -> Words:
    return Words(
        f"the slice of {size} from {start} to {'the end' if stop is None else stop} is empty",
        (f"{source} is {type}, its axis {dim} has {size} entries",),
        "choose start below stop, both within the axis",
    )


def _transposed(axis: int, size: Dim, terms: tuple[Dim, ...], **_: Any) -> Words:
    """`terms` are the input's size, stride, dilation, kernel, output padding, and padding before and after."""
    length, stride, dilation, kernel, extra, before, after = terms
    return Words(
        f"nothing is left of axis {axis}: it comes out {size} long",
        (f"({length} - 1)*{stride} + {dilation}*({kernel} - 1) + {extra} + 1 - {before} - {after} = {size}",),
        "write less padding: in a transposed convolution it is cut off the output",
    )


MESSAGES = {
    "slice": _slice,
    "transposed": _transposed,
    "scaled": Message(
        "scale_factor {scale} leaves nothing of {size}",
        ("floor({size} * {scale}) = {out}",),
        "write a larger scale_factor",
    ),
    "one index": Message(
        "axis {dim} of {source} has {size} entries, so it has no entry {index}",
        ("entries count from 0",),
        "write an index below {size}",
    ),
}
