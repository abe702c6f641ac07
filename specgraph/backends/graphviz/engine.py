"""Runs Graphviz: the system's `dot` where there is one, else the copy inside pygraphviz."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from specgraph.errors import CommandError, require

FORMATS = ("svg", "png", "pdf", "dot")
PNG_DPI = 144


def draw(dot: str, format: str) -> bytes:
    """Lay a DOT text out and draw it as `svg`, `png` or `pdf`.

    Raises MissingPackageError where neither `dot` nor pygraphviz is installed, CommandError where
    Graphviz fails.
    """
    if format == "png":
        dot = dot.replace("graph [", f"graph [dpi={PNG_DPI}, ", 1)
    drawn = _draw_with_program(dot, format)
    return drawn if drawn is not None else _draw_embedded(dot, format)


def _draw_with_program(dot: str, format: str) -> bytes | None:
    """None where no program `dot` is installed, or it cannot draw this format (a build without Cairo draws no PDF)."""
    import graphviz

    try:
        drawn = graphviz.pipe("dot", format, dot.encode(), quiet=True)
    except (OSError, graphviz.ExecutableNotFound, graphviz.CalledProcessError):
        return None
    return drawn or None


def _draw_embedded(dot: str, format: str) -> bytes:
    require("pygraphviz", "all", "drawing a diagram")
    import pygraphviz

    graph = pygraphviz.AGraph(string=dot)
    try:
        with _quiet_stderr():
            graph.layout(prog="dot")
            drawn = graph.draw(format=format)
    except (OSError, ValueError, RuntimeError) as error:
        raise CommandError(f"Graphviz cannot draw this diagram: {error}") from None
    finally:
        graph.close()
    assert isinstance(drawn, bytes)
    return drawn


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
