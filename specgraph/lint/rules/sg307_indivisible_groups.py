"""SG307 indivisible-groups: channels do not divide into the groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.dims import Dim
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG307",
    name="indivisible-groups",
    severity="error",
    summary="channels do not divide into the groups",
    explanation="""\
Groups split the channels into equal parts that do not mix; in a convolution both the input's and
the output's channels are split.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 16, kernel_size: 3, groups: 2}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 15, kernel_size: 3, groups: 3}
""",
    nearest_value=True,
)


def _convolved(channels: int, side: str, groups: int, choices: list[int], in_channels: int, out_channels: int) -> Words:
    return Words(
        f"{channels} {side} channels do not divide into {groups} groups",
        (f"{channels} / {groups} = {channels / groups:.4g}; {in_channels} channels in, {out_channels} out",),
        f"write groups: {' or '.join(map(str, choices))}",
    )


def _normalised(source: str, type: TensorType, channels: int, groups: int, nearest: int) -> Words:
    return Words(
        f"{channels} channels do not divide into {groups} groups",
        (f"{source} is {type}; {channels} / {groups} = {channels / groups:.4g}",),
        f"write num_groups: {nearest}, which divides {channels}",
    )


def _halves(source: str, type: TensorType, size: Dim, axis: int, is_channels: bool, even: list[int]) -> Words:
    what = f"{size} channels do" if is_channels else f"the {size} values along axis {axis} do"
    other = f", or write dim: {even[0]}, whose size is even" if even else ""
    return Words(
        f"{what} not divide into two halves",
        (f"{source} is {type}; the first half is multiplied by the sigmoid of the second",),
        f"give {source} an even size along axis {axis}{other}",
    )


def _heads(source: str, type: TensorType, width: Dim, heads: int, what: str, fitting: list[int]) -> Words:
    return Words(
        f"{width} features of the {what} do not divide into {heads} heads",
        (f"{source} is {type}",),
        f"write num_heads: {', '.join(map(str, fitting))}" if fitting else "choose heads that divide the features",
    )


MESSAGES = {
    "convolved": _convolved,
    "normalised": _normalised,
    "halves": _halves,
    "shuffled": Message(
        "{channels} channels do not divide into {groups} groups",
        ("{source} is {type}",),
        "choose groups that divide {channels}",
    ),
    "pixels": Message(
        "{channels} channels do not divide into groups of {factor} * {factor} = {square}",
        ("{source} is {type}; each group of {square} channels becomes one, {factor} times as high and wide",),
        "give {source} a multiple of {square} channels",
    ),
    "folded": Message(
        "{channels} rows of {source} do not divide into windows of {each} values",
        ("{source} is {type}; a column holds one window of each channel",),
        "give the kernel_size of the unfold that made the columns",
    ),
    "packed": Message(
        "{width} features of {source} do not divide into query, key and value",
        ("{source} is {type}",),
        "read a linear with out_features: $(3 * in_features), or name three inputs",
    ),
    "heads": _heads,
}
