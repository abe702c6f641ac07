"""Structure for networks whose names have none: repeated parts are found by their shape alone.

Every path from the input to the output runs through the *cut points*, the dominators of the output.
Between two cut points lies a segment. Segments with the same canonical form are isomorphic; runs of
them that repeat one after another become numbered instances of one level (`stage2.0.conv1`), which
are then written as a block with `repeat`.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import networkx as nx

from specgraph.importers.flat import FlatNetwork, FlatNode
from specgraph.importers.numbered_names import numbered_names

MAX_PERIOD = 12
SMALLEST_PART = 3
SMALLEST_NETWORK = 12
SHARE_NUMBERED = 0.5

_SHORT = {"batch_norm": "bn", "max_pool": "pool", "avg_pool": "pool", "linear": "fc"}


class Segment(NamedTuple):
    """Nodes between two cut points in canonical order, the second cut point last."""

    nodes: tuple[FlatNode, ...]
    form: str


def name_repeats(net: FlatNetwork) -> None:
    """Give a network whose nodes are merely numbered names that show its repeated parts.

    Networks with names of their own, with several inputs or outputs, or without repetition stay as
    they are.
    """
    if len(net.inputs) != 1 or len(net.outputs) != 1 or len(net.nodes) < SMALLEST_NETWORK:
        return
    if not names_say_nothing(net) or any(node.share for node in net.nodes.values()):
        return
    segments = cut(net)
    parts = _parts(segments)
    if any(name for name, _ in parts):
        _rename(net, parts)
        net.notes.append("most nodes are merely numbered in the file: repeated parts were named by their structure")


def names_say_nothing(net: FlatNetwork) -> bool:
    """Whether most nodes are merely numbered (`n17`, `Conv_41`), or were named by the importer itself."""
    return len(numbered_names(net.nodes) | net.namer.invented & net.nodes.keys()) >= SHARE_NUMBERED * len(net.nodes)


def cut(net: FlatNetwork) -> list[Segment]:
    """The segments between cut points, from the input to the output."""
    (source,) = net.inputs
    (sink,) = net.outputs.values()
    graph = nx.DiGraph()
    graph.add_node(source)
    for node in net.nodes.values():
        graph.add_edges_from((path, node.path) for path in node.inputs)
    dominators = nx.immediate_dominators(graph, source)
    points = [sink]
    while points[-1] != source:
        points.append(dominators[points[-1]])
    points.reverse()
    segments = []
    for start, end in pairwise(points):
        nodes = _canonical(net, start, end)
        segments.append(Segment(nodes, _form(nodes, start)))
    return segments


def _canonical(net: FlatNetwork, start: str, end: str) -> tuple[FlatNode, ...]:
    """The nodes between two cut points, inputs before their readers, in an order that depends on the
    wiring alone."""
    ordered: list[FlatNode] = []
    seen = {start}
    stack: list[tuple[str, bool]] = [(end, False)]
    while stack:
        path, done = stack.pop()
        if done:
            ordered.append(net.nodes[path])
            continue
        if path in seen:
            continue
        seen.add(path)
        stack.append((path, True))
        stack += [(source, False) for source in reversed(net.nodes[path].inputs) if source not in seen]
    return tuple(ordered)


def _form(nodes: tuple[FlatNode, ...], start: str) -> str:
    """What isomorphic segments share: ops, wiring, which arguments are stated, and kernel sizes."""
    place = {node.path: index for index, node in enumerate(nodes)} | {start: -1}
    listed = [
        [node.op, sorted(node.arguments), node.arguments.get("kernel_size"), [place[path] for path in node.inputs]]
        for node in nodes
    ]
    return json.dumps(listed, default=str)


def _parts(segments: list[Segment]) -> list[tuple[str, tuple[Segment, ...]]]:
    """The segments grouped: (name of the level or empty, segments of one instance)."""
    count = Counter(segment.form for segment in segments)
    parts: list[tuple[str, tuple[Segment, ...]]] = []
    stage = single = position = 0
    while position < len(segments):
        period, repeats = _tandem(segments, position)
        if repeats > 1:
            stage += 1
            for index in range(repeats):
                start = position + index * period
                parts.append((f"stage{stage}.{index}", tuple(segments[start : start + period])))
            position += period * repeats
            continue
        segment = segments[position]
        if len(segment.nodes) >= SMALLEST_PART and count[segment.form] > 1:
            single += 1
            parts.append((f"part{single}", (segment,)))
        else:
            parts.append(("", (segment,)))
        position += 1
    return parts


def _tandem(segments: list[Segment], position: int) -> tuple[int, int]:
    """(period, repeats) of the shortest repetition from `position` on; (1, 1) if there is none.

    A repetition begins with a segment that branches, unless none of it does: a residual unit is its
    branches and what follows, not the activation before it.
    """
    branching = len(segments[position].nodes) >= SMALLEST_PART
    for period in range(1, min(MAX_PERIOD, (len(segments) - position) // 2) + 1):
        unit = segments[position : position + period]
        if sum(len(segment.nodes) for segment in unit) < SMALLEST_PART:
            continue
        if not branching and any(len(segment.nodes) >= SMALLEST_PART for segment in unit):
            break
        if any(_tandem(unit, inner)[1] > 1 for inner in range(len(unit) if period > 1 else 0)):
            continue  # the unit repeats within itself: the smaller repetition is the structure
        forms = [segment.form for segment in unit]
        repeats = 1
        while [s.form for s in segments[position + repeats * period : position + (repeats + 1) * period]] == forms:
            repeats += 1
        if repeats > 1:
            return period, repeats
    return 1, 1


def _rename(net: FlatNetwork, parts: list[tuple[str, tuple[Segment, ...]]]) -> None:
    taken = set(net.inputs) | set(net.nodes)
    prefix = "" if not any(path.startswith(("stage", "part")) for path in taken) else "found_"
    renamed: dict[str, str] = {}
    ordered: list[FlatNode] = []
    for name, segments in parts:
        nodes = [node for segment in segments for node in segment.nodes]
        counts: dict[str, int] = {}
        for node in nodes:
            local = _SHORT.get(node.op, node.op)
            counts[local] = counts.get(local, 0) + 1
            if name:
                renamed[node.path] = f"{prefix}{name}.{local}{counts[local]}"
            ordered.append(node)
    net.nodes.clear()
    for node in ordered:
        node.path = renamed.get(node.path, node.path)
        node.inputs = [renamed.get(path, path) for path in node.inputs]
        net.nodes[node.path] = node
    net.outputs.update({name: renamed.get(path, path) for name, path in net.outputs.items()})
