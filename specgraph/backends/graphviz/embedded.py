"""Draws with the Graphviz inside pygraphviz, in this process or, as a program, in one of its own.

    python -m specgraph.backends.graphviz.embedded svg < net.dot > net.svg

While Graphviz works, its process hears nothing: neither Ctrl-C nor a time limit.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def draw_embedded(dot: str, format: str) -> bytes:
    """Lay a DOT text out and draw it. Raises OSError, ValueError, RuntimeError where Graphviz fails."""
    import pygraphviz

    graph = pygraphviz.AGraph(string=dot)
    try:
        with _quiet_stderr():
            graph.layout(prog=dict(graph.graph_attr).get("layout") or "dot")
            drawn = graph.draw(format=format)
    finally:
        graph.close()
    assert isinstance(drawn, bytes)
    return drawn


def dot_problem(dot: str) -> str | None:
    """What is wrong with a DOT text, its HTML-like labels included."""
    import xml.etree.ElementTree as ElementTree

    import pygraphviz

    try:
        with _quiet_stderr():
            graph = pygraphviz.AGraph(string=dot)
    except (ValueError, pygraphviz.DotError) as error:
        return str(error)
    try:
        clusters = [graph]
        for cluster in clusters:
            clusters += cluster.subgraphs_iter()
        labels = [dict(cluster.graph_attr).get("label") for cluster in clusters]
        labels += [node.attr["label"] for node in graph.nodes_iter()]
    finally:
        graph.close()
    for label in labels:
        if label and label.startswith("<") and label.endswith(">"):
            try:
                ElementTree.fromstring(label[1:-1] if label.startswith("<<") else label)
            except ElementTree.ParseError as error:
                return f"a label: {error}"
    return None


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep remarks of the C libraries (fontconfig on the system's own settings) off the terminal."""
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


if __name__ == "__main__":
    sys.stdout.buffer.write(draw_embedded(sys.stdin.buffer.read().decode(), sys.argv[1]))
