"""A network as the maps that flow through it, for figures in the manner of papers: an entry for each input and each box
of the diagram, with the size of what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field

from specgraph.analysis.describe import describe
from specgraph.backends.graphviz.picture import Box, Cluster, picture, show_type
from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.graph.types import TensorType

MOST_MAPS = 120
SPACE = ("D", "H", "W", "L")
LEFT_OUT = ("shape", "layout", "regularisation", "normalisation", "activation")
"""Families that papers leave out of such figures, where a box has one source."""
DEFAULT_SIZE = 224
"""What a free size is drawn as."""


@dataclass(slots=True, eq=False)
class FeatureMap:
    """What a box makes. `sources` are the maps it reads, by place; `side` is the size along the first axis of space, 1
    for a vector."""

    label: str
    operation: str
    family: str
    shape: str
    channels: int
    side: int
    wide: int
    times: int = 1
    sources: list[int] = field(default_factory=list)


def feature_maps(graph: Graph, depth: int | None = None) -> list[FeatureMap]:
    """The maps in the order of the network, training-only ones left out. Raises CommandError for very many."""
    drawn = picture(graph, depth)
    place_of: dict[str, int] = {}
    found: list[FeatureMap] = []
    for name, box in zip(graph.inputs, drawn.inputs, strict=True):
        place_of[box.id] = len(found)
        found.append(_map(name, "", "input", graph.inputs[name], 1))
    for box in _flat(drawn.children):
        if box.train_only or not box.nodes:
            continue
        lead = next((row for row in box.rows if row.weighted), box.rows[0])
        operation = next((describe(node) for node in box.nodes if node.path == lead.path), lead.text)
        place_of[box.id] = len(found)
        found.append(_map(box.title, operation, lead.family, box.nodes[-1].output, box.times))
    for edge in drawn.edges:
        start, end = place_of.get(edge.source), place_of.get(edge.target)
        if start is not None and end is not None and start < end and start not in found[end].sources:
            found[end].sources.append(start)
    found = _without(found)
    if len(found) > MOST_MAPS:
        more = f"{len(found)} maps are too many for this layout, which draws at most {MOST_MAPS}"
        raise CommandError(more, "fold blocks with --depth 1 or 0")
    return found


def _without(maps: list[FeatureMap]) -> list[FeatureMap]:
    """The maps without those of boxes that only pass on, whose readers read what these read."""
    stands_for: dict[int, int] = {}
    kept: list[FeatureMap] = []
    for place, each in enumerate(maps):
        each.sources = list(dict.fromkeys(stands_for[source] for source in each.sources))
        if each.family in LEFT_OUT and len(each.sources) == 1:
            stands_for[place] = each.sources[0]
            continue
        stands_for[place] = len(kept)
        kept.append(each)
    return kept


def _flat(children: list[Box | Cluster]) -> list[Box]:
    boxes: list[Box] = []
    waiting = list(reversed(children))
    while waiting:
        item = waiting.pop()
        if isinstance(item, Cluster):
            waiting.extend(reversed(item.children))
        else:
            boxes.append(item)
    return boxes


def _map(label: str, operation: str, family: str, kind: TensorType, times: int) -> FeatureMap:
    sizes = [dim if isinstance(dim, int) else DEFAULT_SIZE for dim in kind.dims]
    space = [size for axis, size in zip(kind.axes, sizes, strict=True) if axis in SPACE]
    others = [size for axis, size in zip(kind.axes, sizes, strict=True) if axis not in SPACE]
    channels = others[-1] if others else 1
    side, wide = (space[-2] if len(space) > 1 else space[0], space[-1]) if space else (1, 1)
    if not space and len(others) > 1:  # a sequence: its places are what maps have as space
        side, wide = others[0], 1
    return FeatureMap(label, operation, family, show_type(kind), channels, side, wide, times)
