"""SG313 reshape-size-mismatch: a reshape changes the number of values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.dims import Dim
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG313",
    name="reshape-size-mismatch",
    severity="error",
    summary="a reshape changes the number of values",
    explanation="""\
A reshape keeps all values, so the product of the sizes stays. The batch axis is not part of the
shape. One size may be -1 and is worked out; the others must divide what there is.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  tokens: {op: reshape, shape: [3, 1000]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  tokens: {op: reshape, shape: [3, -1]}
""",
)


def _several_open(source: str, type: TensorType, shape: list[int], num_open: int, total: Dim) -> Words:
    return Words(
        f"only one size can be worked out, but {shape} has {num_open}",
        (_product(source, type, total),),
        "give all sizes but one",
    )


def _indivisible(source: str, type: TensorType, total: Dim, known: int) -> Words:
    return Words(
        f"{total} values of {source} do not divide by {known}",
        (_product(source, type, total),),
        f"choose sizes whose product divides {total}",
    )


def _other_product(source: str, type: TensorType, shape: list[int], known: int, total: Dim) -> Words:
    return Words(
        f"{source} of {type} has {total} values, but {shape} takes {known}",
        (_product(source, type, total), " * ".join(map(str, shape)) + f" = {known}"),
        "write -1 for one size to have it worked out",
    )


def _product(source: str, type: TensorType, total: Dim) -> str:
    if len(type.dims) == 1:
        return f"{source} has {total} values"
    return " * ".join(map(str, type.dims)) + f" = {total}"


MESSAGES = {
    "negative": Message(
        "sizes must be positive, or -1 for one to be worked out, not {shape}",
        help="write the shape without the batch axis",
    ),
    "several open": _several_open,
    "indivisible": _indivisible,
    "other product": _other_product,
    "values": Message(
        "has {given} numbers, but {shape} takes {known}",
        help="leave shape out: a list has its own length",
        subject="node",
    ),
    "parts": Message(
        "sizes must be positive, or -1 for one to be worked out, not {sizes}",
        ("{source} is {type}",),
        "write the sizes of the parts of axis {dim}, {size} in all",
    ),
    "unequal parts": Message(
        "axis {dim} of {source} has {size} entries, but {sizes} takes {known}",
        ("{source} is {type}",),
        "choose sizes whose product is {size}",
    ),
    "repeated": Message(
        "axis {dim} of {source} has {size} entries and cannot become {wanted}: an axis of one entry is repeated",
        ("{source} is {type}",),
        "write -1 to keep the axis",
    ),
}
