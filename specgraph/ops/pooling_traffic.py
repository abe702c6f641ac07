"""What poolings do to memory, where that depends on the sizes of a node."""

from __future__ import annotations

from math import prod

from specgraph.graph.dims import product
from specgraph.graph.model import Node
from specgraph.ops.behaviour import KEEPS_INPUTS, NO_TRAFFIC, Traffic
from specgraph.ops.sliding import window_of


def adaptive_avg_traffic(node: Node) -> Traffic:
    """PyTorch pools to a single position by `mean`, which keeps nothing."""
    return NO_TRAFFIC if product(node.output.dims[1:]) == 1 else KEEPS_INPUTS


def values_per_result(node: Node) -> float:
    """Size of the input over that of the output; 1 if one of them is not known."""
    before, after = product(node.input_types[0].dims), product(node.output.dims)
    return before / after if isinstance(before, int) and isinstance(after, int) else 1.0


def lp_pool_traffic(node: Node) -> Traffic:
    """Powers as large as the input, and up to four tensors as large as the output."""
    ratio = values_per_result(node)
    backward = max(2 * ratio - 4, 3 - ratio)
    return Traffic(inputs=True, kept=ratio + 4, forward=ratio + 4, evaluation=max(ratio, 3.0), backward=backward)


def min_pool_traffic(node: Node) -> Traffic:
    """The negated input and, as in max pooling, two indices per value of the output."""
    ratio = values_per_result(node)
    return Traffic(kept=ratio + 2, forward=ratio + 3, evaluation=ratio + 2, backward=1.0)


def range_pool_traffic(node: Node) -> Traffic:
    """Max pooling of the input, then of the negated input: each has a result, and two indices per value of it."""
    ratio = values_per_result(node)
    return Traffic(inputs=True, kept=ratio + 4, forward=ratio + 6, evaluation=ratio + 3)


def soft_pool_traffic(node: Node) -> Traffic:
    """The values of all windows, their weights and the products. Windows along one axis are a view of the input."""
    ratio, kernel = values_per_result(node), window_of(node).kernel
    count = prod(kernel)
    if count == max(kernel):
        backward = max(3 * count - ratio, count)
        return Traffic(inputs=True, kept=count, forward=2 * count, evaluation=2 * count - 1, backward=backward)
    backward = max(2 * count - ratio, 0.0)
    return Traffic(kept=2 * count, forward=3 * count, evaluation=3 * count - 1, backward=backward)
