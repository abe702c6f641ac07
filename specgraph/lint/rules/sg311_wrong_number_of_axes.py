"""SG311 wrong-number-of-axes: an argument has values for another number of axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG311",
    name="wrong-number-of-axes",
    severity="error",
    summary="an argument has values for another number of axes",
    explanation="""\
A list for `kernel_size`, `stride` and their like has one value for each spatial axis of the input;
a single number stands for all of them. `permute` lists every axis, the batch axis 0 first.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: [3, 3, 3]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  conv: {op: conv, out_channels: 8, kernel_size: [3, 5]}
""",
)


def _values(source: str, type: TensorType, name: str, given: int, rank: int) -> Words:
    values, axes = "value" if given == 1 else "values", "axis" if rank == 1 else "axes"
    return Words(
        f"`{name}` has {given} {values}, but {source} has {rank} spatial {axes}",
        (f"{source} is {type}",),
        f"give one number for all axes, or a list of {rank}",
    )


def _mode(source: str, type: TensorType, mode: str, wanted: int, rank: int, fitting: tuple[str, ...]) -> Words:
    return Words(
        f"mode {mode} is for {wanted} spatial axes, but {source} has {rank}",
        (f"{source} is {type}",),
        f"write mode: {' or '.join(fitting)}",
    )


MESSAGES = {
    "values": _values,
    "mode": _mode,
    "repeated": Message(
        "`sizes` has {given} numbers, but {source} has {rank} axes",
        ("{source} is {type}",),
        "give the size of each axis behind the batch; -1 keeps it",
    ),
    "like": Message(
        "{source} has {rank} axes, but {like} has {other}",
        ("{source} is {type}, {like} is {like_type}",),
        "name a map of {rank} axes as the second input",
    ),
    "dims": Message(
        "`dims` has {given} axes, but {source} has {rank} with the batch axis",
        ("{source} is {type} behind the batch axis 0",),
        "write dims: {fitting}",
    ),
    "shifts": Message(
        "has {shifts} shifts for {axes} axes",
        help="write one shift for each axis",
        subject="node",
    ),
}
