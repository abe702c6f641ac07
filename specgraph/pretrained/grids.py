"""Where a network's position embeddings lie: the grid whose places a parameter has an entry for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isqrt, prod
from typing import NamedTuple

from specgraph.graph.model import Graph, Node
from specgraph.graph.types import SPATIAL_AXES, TensorType
from specgraph.ops.registry import behaviour_of
from specgraph.ops.windows import num_offsets

MOST_AXES = 2


class Grid(NamedTuple):
    """Places of a map, one or two axes of them, that a tensor has an entry for.

    `axis` is the first of the tensor's axes that counts places: all of them if `joined`, else one axis for each of
    `sizes`. `before` and `after` tokens, such as a class token, stand beside the places and have none. `offsets`: the
    places are offsets of two tokens of a window, 2 * size - 1 along each axis.
    """

    sizes: tuple[int, ...]
    axis: int
    joined: bool = True
    before: int = 0
    after: int = 0
    offsets: bool = False

    @property
    def axes(self) -> range:
        """The tensor's axes that count places."""
        return range(self.axis, self.axis + (1 if self.joined else len(self.sizes)))


def sizes_in(shape: tuple[int, ...], wanted: tuple[int, ...], grid: Grid) -> tuple[int, ...] | None:
    """The sizes of the grid in a file's tensor of `shape`, where the network wants `wanted`; None if it is not the same
    tensor for another grid.

    Places along one axis are those of a square if they fill one, else of a map with the aspect of the network's.
    """
    axes = grid.axes
    others = [axis for axis in range(len(wanted)) if axis not in axes]
    if len(shape) != len(wanted) or any(shape[axis] != wanted[axis] for axis in others):
        return None
    if not grid.joined:
        return tuple(shape[axis] for axis in axes)
    places = shape[grid.axis] - grid.before - grid.after
    if places < 1:
        return None
    if len(grid.sizes) == 1:
        return (places,)
    side = isqrt(places)
    if side * side == places:
        return (side, side)
    extra = 1 if grid.offsets else 0  # 2 * size - 1 is in proportion once 1 is added
    height, width = (size + extra for size in grid.sizes)
    divisors = (each for each in range(1, places + 1) if places % each == 0)
    return next(
        ((each, places // each) for each in divisors if (each + extra) * width == (places // each + extra) * height),
        None,
    )


def grid_of(graph: Graph, node: Node, readers: Mapping[str, list[str]]) -> Grid | None:
    """The grid that a node's learned tensor has an entry for, if it is a position embedding: added to tokens or to a
    map, or a table of offsets that attention within windows looks up."""
    if node.inputs or len(node.parameters) != 1 or not node.parameters[0].trainable:
        return None
    shape, inner = node.parameters[0].shape, _numbers(node.output)
    if inner is None:
        return None
    in_front = len(shape) - len(inner)
    for reader in (graph.nodes[path] for path in readers[node.path]):
        found = _looked_up(reader, inner, in_front)
        if found is None and behaviour_of(reader.op).joins == "sum":
            others = [path for path in reader.inputs if path != node.path]
            found = _added(graph, others[0], inner, in_front) if len(others) == 1 else None
        if found is not None:
            return found
    return None


def _looked_up(reader: Node, inner: tuple[int, ...], in_front: int) -> Grid | None:
    """The grid of a table of offsets, (offsets, heads)."""
    window = reader.arguments.get("window_size")
    if not isinstance(window, tuple) or len(window) > MOST_AXES or len(reader.inputs) != 1:
        return None
    if len(inner) != 2 or inner[0] != num_offsets(window):
        return None
    return Grid(tuple(2 * size - 1 for size in window), in_front, offsets=True)


def _added(graph: Graph, other: str, inner: tuple[int, ...], in_front: int) -> Grid | None:
    """The grid of a tensor that is added to the value `other`."""
    kind = graph.type_of(other)
    sizes = _numbers(kind)
    if sizes is None or len(sizes) != len(inner) or len(sizes) < 2:
        return None
    if len(sizes) == 2 and not kind.is_feature_map:
        return _of_tokens(graph, other, inner, in_front)
    first, rank = (1 if kind.is_feature_map else 0), len(sizes) - 1
    places = sizes[first : first + rank]
    is_map = kind.axes[first : first + rank] == SPATIAL_AXES.get(rank)
    if not is_map or rank > MOST_AXES or inner[first : first + rank] != places:
        return None
    return Grid(places, in_front + first, joined=False)


def _of_tokens(graph: Graph, path: str, inner: tuple[int, ...], in_front: int) -> Grid | None:
    """The grid of a tensor (tokens, features): that of the map whose positions became tokens."""
    count, before, after = inner[0], 0, 0
    while path in graph.nodes:
        node = graph.nodes[path]
        kinds = [_numbers(kind) for kind in node.input_types]
        if _numbers(node.output) is None or None in kinds:
            return None
        if behaviour_of(node.op).joins == "axis":
            found = _beside(node, count)
            if found is None:
                return None
            path, left, right = found
            before, after, count = before + left, after + right, count - left - right
            continue
        if len(node.inputs) != 1:
            return None
        (path,), (kind,), (sizes,) = node.inputs, node.input_types, kinds
        assert sizes is not None
        if kind.is_feature_map and prod(sizes[1:]) == count:
            return Grid(sizes[1:], in_front, before=before, after=after) if len(sizes) <= MOST_AXES + 1 else None
        if count not in sizes:
            return None
    return None


def _beside(node: Node, count: int) -> tuple[str, int, int] | None:
    """The value that tokens of the network's own stand beside, and how many of these stand before and after it."""
    sizes = [_numbers(kind) for kind in node.input_types]
    own = [not kind.batched for kind in node.input_types]
    if own.count(False) != 1 or any(each is None or len(each) != 2 for each in sizes):
        return None
    place = own.index(False)
    tokens = [each[0] for each in sizes if each is not None]
    return (node.inputs[place], sum(tokens[:place]), sum(tokens[place + 1 :])) if sum(tokens) == count else None


def _numbers(kind: TensorType) -> tuple[int, ...] | None:
    """A type's sizes, None where one is free."""
    return tuple(dim for dim in kind.dims if isinstance(dim, int)) if _are_numbers(kind.dims) else None


def _are_numbers(dims: Iterable[object]) -> bool:
    return all(isinstance(dim, int) for dim in dims)
