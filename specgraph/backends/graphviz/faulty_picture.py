"""A faulty network as a diagram: what is known of it, and its errors at their nodes."""

from __future__ import annotations

import textwrap

from specgraph.backends.graphviz.dot import DotWriter
from specgraph.backends.graphviz.picture import Box, Cluster, picture
from specgraph.backends.graphviz.theme import THEMES
from specgraph.graph.faulty import FaultyNetwork

LINE = 46
"""Characters of a message on one line of a box."""


def faulty_dot(network: FaultyNetwork, *, depth: int | None = None, direction: str = "TB", theme: str = "light") -> str:
    """The diagram as DOT text. Boxes with errors have a red frame and hold code and message; what reads them has
    edges of unknown size, `?`."""
    colours = THEMES[theme]
    marks = {path: network.mark(path) for path in network.graph.nodes if network.mark(path)}
    drawn = picture(network.graph, depth, marks)
    drawn.name = f"{network.graph.name or 'network'} (faulty)"
    drawn.parameters = 0
    red: dict[str, str] = {}
    waiting: list[Box | Cluster] = [*drawn.children]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Cluster):
            waiting += item.children
            continue
        for node in item.nodes:
            for fault in network.faults.get(node.path, ()):
                red[item.id] = colours.removed
                item.faults += textwrap.wrap(f"✗ {fault.code}: {fault.message}", LINE)
    return DotWriter(drawn, colours, direction, red).write()
