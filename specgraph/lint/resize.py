"""What a graph's nodes become at another input size, without elaborating the spec again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from specgraph.graph.dims import evaluate
from specgraph.graph.model import Graph, Node
from specgraph.graph.types import TensorType
from specgraph.language.document import NodeDef
from specgraph.ops.infer import infer_again
from specgraph.ops.registry import ops
from specgraph.ops.sliding import window_of

if TYPE_CHECKING:
    from specgraph.lint.context import Lint


def types_at(graph: Graph, written: dict[str, NodeDef], inputs: dict[str, TensorType]) -> dict[str, TensorType] | None:
    """Types of all inputs and nodes when the inputs have these types; None where a node refuses them.

    Sizes that a node does not state itself (`in_channels`) are taken from its new input; arguments
    that an expression computed from sizes keep their values.
    """
    known = ops()
    types = dict(inputs)
    for path, node in graph.nodes.items():
        read = tuple(types[source] for source in node.inputs)
        found = infer_again(known[node.op], read, node.arguments, written[path].arguments, path=path)
        if found is None:
            return None
        types[path] = found.output
    return types


def convolutions(lint: Lint) -> Iterator[Node]:
    """The nodes that slide a window with weights."""
    return lint.nodes_of(*lint.ops_where(lambda behaviour: behaviour.convolves))


def collapsed(node: Node, kind: TensorType) -> bool:
    """Whether a convolution reading this type has weights that see nothing but padding."""
    window = window_of(node)
    if window.padding_mode != "zeros":
        return False
    for axis, kernel in enumerate(window.kernel):
        size = kind.dims[axis + 1]
        if isinstance(size, int) and size < window.span(axis) and live(node, kind, axis) < kernel:
            return True
    return False


def live(node: Node, kind: TensorType, axis: int) -> int:
    """Positions of a convolution's kernel along an axis that meet a real value somewhere."""
    window = window_of(node)
    kernel, stride, dilation = window.kernel[axis], window.stride[axis], window.dilation[axis]
    before, after = window.padding[axis]
    size = kind.dims[axis + 1]
    if not isinstance(size, int) or size >= window.span(axis):
        return kernel
    windows = (size + before + after - window.span(axis)) // stride + 1
    starts = [number * stride - before for number in range(windows)]
    return sum(any(0 <= start + tap * dilation < size for start in starts) for tap in range(kernel))


def sees_values(lint: Lint, inputs: dict[str, TensorType]) -> bool:
    """Whether the network accepts these inputs, and no kernel sees nothing but padding."""
    types = types_at(lint.graph, lint.written, inputs)
    return types is not None and not any(collapsed(node, types[node.inputs[0]]) for node in convolutions(lint))


def smallest_without_collapse(lint: Lint, names: list[str], first: int, last: int) -> int | None:
    """The smallest value from `first` to `last`, the same for all these symbols, at which every kernel
    sees values; by bisection over the sizes that the network accepts. None if there is none."""
    constraints = lint.graph.constraints

    def accepted(values: dict[str, int]) -> bool:
        return all(constraint.holds(values) for constraint in constraints)

    sizes = [size for size in range(first, last) if accepted(dict.fromkeys(names, size))]

    def works(size: int) -> bool:
        values = dict.fromkeys(names, size)
        inputs = {
            name: kind.with_dims(tuple(evaluate(dim, values) for dim in kind.dims))
            for name, kind in lint.graph.inputs.items()
        }
        return sees_values(lint, inputs)

    if not sizes or not works(sizes[-1]):
        return None
    low, high = -1, len(sizes) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(sizes[middle]) else (middle, high)
    return sizes[high]
