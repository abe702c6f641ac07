"""The difference of two networks as a diagram: the new one, with what was removed drawn beside it."""

from __future__ import annotations

from specgraph.analysis.describe import describe
from specgraph.analysis.diff import Diff
from specgraph.backends.graphviz.dot import DotWriter
from specgraph.backends.graphviz.picture import Box, Edge, Row, family_of, is_weighted, picture
from specgraph.backends.graphviz.theme import THEMES


def diff_dot(diff: Diff, *, depth: int | None = None, direction: str = "TB", theme: str = "light") -> str:
    """The diagram as DOT text: added green, removed red, changed amber."""
    colours = THEMES[theme]
    paint = {"added": colours.added, "removed": colours.removed, "changed": colours.changed}
    marks: dict[str, str] = {}
    for change in diff.changes:
        if change.kind != "removed":
            for path in change.nodes:
                if change.kind == "added" or marks.get(path) != "added":
                    marks[path] = "added" if change.kind == "added" else "changed"
    drawn = picture(diff.new, depth, marks)
    found: dict[str, set[str]] = {}
    for path in diff.new.nodes:
        found.setdefault(drawn.box_of[path], set()).add(marks.get(path, ""))
    boxes = {
        box: paint[next(iter(kinds))] if len(kinds) == 1 else paint["changed"]
        for box, kinds in found.items()
        if kinds != {""}
    }
    old_box: dict[str, str] = {}
    for index, change in enumerate(c for c in diff.changes if c.kind == "removed" and c.nodes):
        nodes = [diff.old.nodes[path] for path in change.nodes]
        rows = [Row(describe(node), family_of(node), node.path, is_weighted(node)) for node in nodes[:1]]
        if len(nodes) > 1:
            rows = [Row(f"{change.what}, {len(nodes)} nodes", "block", change.old)]
        count = sum(node.num_parameters for node in nodes)
        box_ = Box(f"gone{index}", change.old, rows, nodes, count, 1, False)
        drawn.children.append(box_)
        boxes[box_.id] = paint["removed"]
        old_box.update((path, box_.id) for path in change.nodes)
    place = {**{old: drawn.box_of[new] for old, new in diff.matching.forward.items()}, **old_box}
    seen: set[tuple[str, str]] = set()
    for node in diff.old.nodes.values():
        for source in node.inputs:
            if source not in old_box and node.path not in old_box:
                continue
            start, end = place.get(source), place.get(node.path)
            if start and end and start != end and not seen & {(start, end), (end, start)}:
                seen.add((start, end))
                drawn.edges.append(Edge(start, end, "", train_only=True))
    drawn.name = f"{diff.old.name or 'old'} → {diff.new.name or 'new'}"
    used = {colour: name for name, colour in paint.items() if colour in boxes.values()}
    meanings = {name: colour for colour, name in used.items()}
    return DotWriter(drawn, colours, direction, boxes, meanings).write()
