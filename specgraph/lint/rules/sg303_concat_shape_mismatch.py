"""SG303 concat-shape-mismatch: inputs of concat differ in an axis that is not joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule
from specgraph.lint.joined import axis_name, listed

if TYPE_CHECKING:
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG303",
    name="concat-shape-mismatch",
    severity="error",
    summary="inputs of concat differ in an axis that is not joined",
    explanation="""\
Joining along the channels needs equal heights and widths. In an Inception module every branch keeps
its size: a kernel of 3 takes a padding of 1, a kernel of 5 one of 2, and its pooling a stride of 1.
The branch that stands against all others is the one that is blamed.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  b: {op: conv, from: image, out_channels: 8, kernel_size: 3}
  join: {op: concat, from: [a, b]}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  a: {op: conv, from: image, out_channels: 8, kernel_size: 1}
  b: {op: conv, from: image, out_channels: 8, kernel_size: 3, padding: 1}
  join: {op: concat, from: [a, b]}
""",
)


def _ranks(names: tuple[str, ...], types: tuple[TensorType, ...], odd: list[int], model: int) -> Words:
    odd_ones, usual = listed(names, types, odd), listed(names, types, [model])
    return Words(
        f"concat joins inputs of different ranks: {odd_ones} against {usual}",
        (listed(names, types),),
        "flatten or reshape the odd one out",
    )


def _sizes(
    names: tuple[str, ...],
    types: tuple[TensorType, ...],
    odd: list[int],
    model: int,
    wrong: list[int],
    is_clear: bool,
    joins_channels: bool,
    padding: int,
) -> Words:
    """`odd` are the inputs unlike the input `model`, `wrong` the axes that differ, `is_clear` whether they are the
    fewer; `padding` is how much more of it on each side, or less, makes the odd one agree, 0 where none does."""
    axes = " and ".join(axis_name(types[model], axis) for axis in wrong)
    everything = listed(names, types)
    shown = f"{listed(names, types, odd)}, but {listed(names, types, [model])}" if is_clear else everything
    if not joins_channels:
        help = "only the joined axis may differ: choose another dim, or make the others agree"
    elif padding:
        smaller, larger = (names[odd[0]], names[model]) if padding > 0 else (names[model], names[odd[0]])
        help = f"{smaller} needs {abs(padding)} more padding on each side to be as large as {larger}"
    else:
        help = "bring the branches to one size: the same stride in all, and a padding of half the kernel"
    return Words(f"inputs of concat differ in {axes}: {shown}", (everything,) if is_clear else (), help)


MESSAGES = {"ranks": _ranks, "sizes": _sizes}
