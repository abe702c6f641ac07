"""What a network wants of a file of weights: tensors by name, and where they stand in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from math import prod
from typing import NamedTuple

from specgraph.graph.model import Graph, Node
from specgraph.pretrained.grids import Grid, grid_of

COUNTER = "num_batches_tracked"
"""Absent from files of old PyTorch versions."""
MAX_NAMED = 20
CHANNELS, SIZE, POSITIONS, CORNERS = "channels", "size", "positions", "corners"
KINDS = (CHANNELS, SIZE, POSITIONS, CORNERS)
"""What a tensor can be adapted to. `corners` are positions whose outermost ones stay in place, as torchvision has
them."""


class Place(NamedTuple):
    """A tensor of a network. `optional`: a file may lack it. `reads_input`: the layer's channels are those of an input
    of the network. `flattened`: the sizes (C, H, W) of the map that a layer's features were, else empty. `grid`: the
    places that a position embedding has entries for. `fixed`: its numbers follow from the network, whatever a file
    has."""

    shape: tuple[int, ...]
    optional: bool = False
    reads_input: bool = False
    flattened: tuple[int, ...] = ()
    grid: Grid | None = None
    fixed: bool = False


Wanted = Mapping[str, Place]


class Choices(NamedTuple):
    """What a user allows. `reset`: globs of layers that keep their fresh weights; `drop`: globs of tensors of the file
    that are left out; `match`: layers of equal shape and order take each other's names; `adapt`: kinds of tensors that
    are made to fit."""

    reset: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    match: bool = False
    adapt: tuple[str, ...] = ()


def wanted_by(graph: Graph) -> dict[str, Place]:
    """The tensors of a network by the keys of its `state_dict`, in their order."""
    places: dict[str, Place] = {}
    readers = graph.readers()
    for node in graph.nodes.values():
        if node.share:
            continue
        about = _reads_input(graph, node), _flattened(graph, node), grid_of(graph, node, readers)
        for parameter in node.parameters:
            key = f"{node.path}.{parameter.name}" if parameter.name else node.path
            optional = node.train_only or parameter.name == COUNTER or parameter.fixed
            places[key] = Place(parameter.shape, optional, *about, parameter.fixed)
    return places


def _reads_input(graph: Graph, node: Node) -> bool:
    """Whether the node's input is an input of the network, but for nodes without parameters that keep its channels."""
    while len(node.inputs) == 1:
        (source,) = node.inputs
        if source not in graph.nodes:
            return True
        node = graph.nodes[source]
        if node.parameters or not node.input_types or node.input_types[0].channels != node.output.channels:
            return False
    return False


def _flattened(graph: Graph, node: Node) -> tuple[int, ...]:
    """The sizes of the map whose values are the node's features, one by one."""
    while len(node.inputs) == 1 and node.inputs[0] in graph.nodes:
        node = graph.nodes[node.inputs[0]]
        if node.parameters or len(node.input_types) != 1:
            return ()
        dims = node.input_types[0].dims
        if not all(isinstance(dim, int) for dim in (*dims, *node.output.dims)):
            return ()
        sizes = tuple(dim for dim in dims if isinstance(dim, int))
        if node.output.is_vector and len(sizes) == 3 and node.output.dims == (prod(sizes),):
            return sizes
        if dims != node.output.dims:
            return ()
    return ()


def matches(key: str, patterns: Iterable[str]) -> bool:
    """Whether a glob fits a key or one of the paths above it (`fc` fits `fc.weight`)."""
    parts = key.split(".")
    paths = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(fnmatchcase(path, pattern) for pattern in patterns for path in paths)


def owner(key: str) -> str:
    """The layer of a key."""
    return key.rpartition(".")[0] or key


def paths_help(keys: Iterable[str]) -> str:
    """The paths that a glob may name."""
    owners = list(dict.fromkeys(map(owner, keys)))
    shown = ", ".join(owners[:MAX_NAMED])
    return f"paths with parameters: {shown}{', …' if len(owners) > MAX_NAMED else ''}"


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without the ones at its end: a 1x1 convolution has the weights of a linear layer."""
    count = len(shape)
    while count > 1 and shape[count - 1] == 1:
        count -= 1
    return shape[:count]


def shape_text(shape: Iterable[int]) -> str:
    """A shape as text, such as `64x3x7x7`."""
    return "x".join(map(str, shape)) or "a single number"
