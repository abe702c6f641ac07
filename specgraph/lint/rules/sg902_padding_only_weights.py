"""SG902 padding-only-weights: a feature map so small that weights of a kernel see nothing but padding."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from specgraph.diagnostics.rule import Rule

if TYPE_CHECKING:
    from specgraph.graph.model import Graph, Node
    from specgraph.lint.context import Lint

RULE = Rule(
    code="SG902",
    name="padding-only-weights",
    severity="warning",
    summary="a feature map so small that weights of a kernel see nothing but padding",
    explanation="""\
A padded 3x3 convolution accepts a 1x1 map, but eight of its nine weights then only ever multiply zeros:
the network has collapsed, though every shape is right. The image is too small for so many strides. The
note gives the smallest input at which every weight sees real values. Where most of the weights of every such kernel
do see values, as those of 5x5 on a 3x2 map, they are only wasted, and the rule informs.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 8, 8]}
nodes:
  pool: {op: max_pool, kernel_size: 8}
  conv: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 16, 16]}
nodes:
  pool: {op: max_pool, kernel_size: 8}
  conv: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
""",
)
LARGEST = 4096


def check(lint: Lint) -> None:
    from specgraph.lint.resize import collapsed, convolutions

    found = [node for node in convolutions(lint) if collapsed(node, node.input_types[0])]
    if not found:
        return
    first = next((node for node in found if _mostly_dead(node)), found[0])
    others = len(found) - 1 - found.index(first)
    kernel = first.arguments["kernel_size"]
    dead = prod(kernel) - _live(first)
    shown = "x".join(map(str, kernel))
    notes = [f"its input `{first.inputs[0]}` is {first.input_types[0]}"]
    if others:
        notes.append(f"so it is with {others} more convolution{'s' if others > 1 else ''} behind it")
    smallest = _smallest(lint)
    lint.report(
        "padding-only-weights",
        f"node `{first.path}`: {dead} of the {prod(kernel)} weights of its {shown} kernel see nothing but padding",
        first,
        notes=notes,
        help=f"the smallest input at which they all see values is {smallest}"
        if smallest
        else "stride less in front, or use a smaller kernel",
        severity="warning" if _mostly_dead(first) else "info",
    )


def _live(node: Node) -> int:
    """Weights of a kernel that meet a value somewhere."""
    from specgraph.lint.resize import live

    return prod(live(node, node.input_types[0], axis) for axis in range(len(node.arguments["kernel_size"])))


def _mostly_dead(node: Node) -> bool:
    return bool(2 * _live(node) < prod(node.arguments["kernel_size"]))


def _smallest(lint: Lint) -> str | None:
    """The smallest square input without a collapse, by doubling and bisection."""
    graph = lint.graph
    images = [name for name, kind in graph.inputs.items() if kind.spatial_rank]
    if len(images) != 1 or graph.symbols:
        return None
    name = images[0]
    size = graph.inputs[name].dims[1]
    assert isinstance(size, int)
    high = size
    while not _works(lint, graph, name, high):
        high *= 2
        if high > LARGEST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _works(lint, graph, name, middle) else (middle, high)
    return "x".join([str(high)] * graph.inputs[name].spatial_rank)


def _works(lint: Lint, graph: Graph, name: str, size: int) -> bool:
    from specgraph.lint.resize import sees_values

    kind = graph.inputs[name]
    sized = kind.with_dims((kind.dims[0], *(size,) * kind.spatial_rank))
    return sees_values(lint, {**graph.inputs, name: sized})
