"""SG306 kernel-larger-than-input: a window does not fit into its padded input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.diagnostics.message import Words
from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.dims import Dim
    from specgraph.graph.types import TensorType

RULE = Rule(
    code="SG306",
    name="kernel-larger-than-input",
    severity="error",
    summary="a window does not fit into its padded input",
    explanation="""\
A convolution or pooling needs at least one whole window. Late in a network maps are small: five
halvings leave 7x7 of 224x224 but 1x1 of 32x32. A dilated window reaches over
dilation*(kernel_size - 1) + 1 values.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 4, 4]}
nodes:
  pool: {op: avg_pool, kernel_size: 8}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 4, 4]}
nodes:
  pool: {op: avg_pool, kernel_size: 4}
""",
)


def _window(
    source: str,
    type: TensorType,
    kernel: tuple[int, ...],
    is_padded: bool,
    windows: list[tuple[int, int, int, str, Dim]],
    fitting: str,
) -> Words:
    """`windows` are kernel, dilation, reach, the sum of the input's sizes, and what it comes to."""
    notes = []
    for k, dilation, reach, size, room in windows:
        window = f"{k}" if dilation == 1 else f"{dilation}*({k} - 1) + 1 = {reach}"
        notes.append(f"window {window}, input {size} = {room}")
    return Words(
        f"a window of {_sizes(kernel)} does not fit into {source} of {type}{' with its padding' if is_padded else ''}",
        tuple(dict.fromkeys(notes)),
        f"write kernel_size: {fitting}, or keep the map larger above"
        if fitting
        else "write a smaller kernel_size, or more padding",
    )


def _average(source: str, type: TensorType, kernel: tuple[int, ...], is_padded: bool, counted: Dim) -> Words:
    padding = f" with its padding, {counted}" if is_padded else ""
    does = "lets no window hang over the input" if is_padded else "does not count the padding"
    return Words(
        f"a window of {_sizes(kernel)} is larger than {source} of {type}{padding}",
        (f"PyTorch {does} here when it averages over three axes",),
        f"write kernel_size: {counted}, or put a pad node in front",
    )


def _sizes(kernel: tuple[int, ...]) -> str:
    return "x".join(map(str, kernel))


MESSAGES = {"sliding": _window, "average": _average}
