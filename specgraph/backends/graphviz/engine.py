"""Runs Graphviz: the system's `dot` if there is one, else the copy inside pygraphviz."""

from __future__ import annotations

import subprocess
import sys

from specgraph.errors import CommandError, require

FORMATS = ("svg", "png", "pdf", "dot")
PNG_DPI = 144
AT_ONCE = 250_000
"""Characters of DOT text that take Graphviz no longer than a new process takes to start."""


def draw(dot: str, format: str, timeout_s: float | None = None) -> bytes:
    """Lay a DOT text out and draw it as `svg`, `png` or `pdf`.

    Raises MissingPackageError where neither `dot` nor pygraphviz is installed, CommandError where
    Graphviz fails or takes longer than `timeout_s`.
    """
    if format == "png":
        dot = dot.replace("graph [", f"graph [dpi={PNG_DPI}, ", 1)
    drawn = _draw_with_program(dot, format, timeout_s)
    return drawn if drawn is not None else _draw_embedded(dot, format, timeout_s)


def dot_problem(dot: str) -> str | None:
    """What is wrong with a DOT text. Without Graphviz nothing can be said of it."""
    from importlib.util import find_spec

    if find_spec("pygraphviz") is not None:
        from specgraph.backends.graphviz import embedded

        return embedded.dot_problem(dot)
    return None


def _draw_with_program(dot: str, format: str, timeout_s: float | None) -> bytes | None:
    """None where no program `dot` is installed, or it cannot draw this format (a build without Cairo draws no PDF)."""
    from graphviz import DOT_BINARY

    return _run([str(DOT_BINARY), f"-T{format}"], dot, timeout_s)


def _run(command: list[str], dot: str, timeout_s: float | None) -> bytes | None:
    """What a program makes of a DOT text; None where it cannot."""
    try:
        done = subprocess.run(command, input=dot.encode(), capture_output=True, check=False, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        help = "fold its blocks: specgraph render --depth 1"
        raise CommandError(f"Graphviz needs longer than {timeout_s:.0f} s for this diagram", help) from None
    except OSError:
        return None
    return done.stdout if done.returncode == 0 and done.stdout else None


def _draw_embedded(dot: str, format: str, timeout_s: float | None) -> bytes:
    require("pygraphviz", "all", "drawing a diagram")
    from specgraph.backends.graphviz import embedded

    if len(dot) > AT_ONCE:
        drawn = _run([sys.executable, "-m", embedded.__name__, format], dot, timeout_s)
        if drawn is not None:
            return drawn
    try:
        return embedded.draw_embedded(dot, format)
    except (OSError, ValueError, RuntimeError) as error:
        raise CommandError(f"Graphviz cannot draw this diagram: {error}") from None
