"""Diagrams of networks, drawn by Graphviz."""

from __future__ import annotations

from pathlib import Path

from specgraph.errors import CommandError
from specgraph.graph.faulty import FaultyNetwork
from specgraph.graph.model import Graph

MOST_BOXES = 1500
MOST_LEVELS = 8
LAYOUTS = ("layers", "u", "volumes")
LEAST_WIDTH_CM = 4.0


def render_dot(
    graph: Graph | FaultyNetwork,
    *,
    depth: int | None = None,
    direction: str = "TB",
    theme: str = "light",
    layout: str = "layers",
    width: float | None = None,
) -> str:
    """The diagram as DOT text. See `render`."""
    from specgraph.backends.graphviz.dot import DIRECTIONS, emit_dot
    from specgraph.backends.graphviz.faulty_picture import faulty_dot
    from specgraph.backends.graphviz.picture import picture
    from specgraph.backends.graphviz.theme import THEMES

    if direction not in DIRECTIONS:
        raise CommandError(f"unknown direction {direction!r}", f"use one of {', '.join(DIRECTIONS)}")
    if theme not in THEMES:
        raise CommandError(f"unknown theme {theme!r}", f"use one of {', '.join(THEMES)}")
    if layout not in LAYOUTS:
        raise CommandError(f"unknown layout {layout!r}", f"use one of {', '.join(LAYOUTS)}")
    if width is not None:
        _refuse_width(layout, direction, width)
    if layout != "layers":
        if isinstance(graph, FaultyNetwork):
            raise CommandError(f"the layout {layout} needs a network without errors", "leave --layout out")
        return _figure_dot(graph, layout, depth, theme, width)
    if width is not None and isinstance(graph, Graph):
        return _narrow_dot(graph, depth, theme, width)
    if isinstance(graph, FaultyNetwork):
        return faulty_dot(graph, depth=depth, direction=direction, theme=theme)
    return emit_dot(picture(graph, depth), direction, theme)


def _refuse_width(layout: str, direction: str, width: float) -> None:
    if layout == "u" or (layout == "layers" and direction != "LR"):
        raise CommandError("a width is for --direction LR and for --layout volumes", "leave --width out")
    if not width >= LEAST_WIDTH_CM:
        raise CommandError(f"a width of {width:g} cm is too small", f"give at least {LEAST_WIDTH_CM:g}")


def _figure_dot(graph: Graph, layout: str, depth: int | None, theme: str, width: float | None) -> str:
    from specgraph.backends.graphviz.maps import feature_maps
    from specgraph.backends.graphviz.rows import POINTS_PER_CM
    from specgraph.backends.graphviz.theme import THEMES
    from specgraph.backends.graphviz.u_shape import draw_u
    from specgraph.backends.graphviz.volumes import draw_volumes

    maps = feature_maps(graph, depth)
    if layout == "u":
        return draw_u(graph.name or "network", maps, THEMES[theme])
    return draw_volumes(graph.name or "network", maps, THEMES[theme], None if width is None else width * POINTS_PER_CM)


def _narrow_dot(graph: Graph, depth: int | None, theme: str, width: float) -> str:
    """From left to right, blocks folded as far as it takes to be no wider, then broken into rows."""
    from specgraph.backends.graphviz.dot import DotWriter
    from specgraph.backends.graphviz.engine import draw
    from specgraph.backends.graphviz.picture import picture
    from specgraph.backends.graphviz.rows import broken, is_within
    from specgraph.backends.graphviz.theme import THEMES

    def fits(dot: str) -> bool:
        return is_within(draw(dot, "svg").decode(), width)

    deepest = min(max((path.count(".") for path in graph.nodes), default=0), MOST_LEVELS)
    depths = [*range(deepest, -1, -1)] if depth is None else [depth]
    for shown in depths:
        drawn = picture(graph, shown)
        dot = DotWriter(drawn, THEMES[theme], "LR").write()
        if fits(dot):
            return dot
    return broken(drawn, lambda rows: DotWriter(drawn, THEMES[theme], "LR", rows=rows).write(), fits)


def fitting_depth(shown: Graph | FaultyNetwork) -> int | None:
    """The depth to which the blocks of a large network are folded, so that it can be drawn within seconds; None
    where it need not be folded, or has nothing to fold."""
    from specgraph.backends.graphviz.picture import count_boxes, picture

    graph = shown.graph if isinstance(shown, FaultyNetwork) else shown
    if len(graph.nodes) <= MOST_BOXES or count_boxes(picture(graph)) <= MOST_BOXES:
        return None
    deepest = max(path.count(".") for path in graph.nodes)
    counts = {depth: count_boxes(picture(graph, depth)) for depth in range(min(deepest, MOST_LEVELS) + 1)}
    fitting = [depth for depth, count in counts.items() if count <= MOST_BOXES]
    if fitting:
        return fitting[-1]
    return 0 if counts[0] < len(graph.nodes) // 2 else None


def render_svg(
    graph: Graph | FaultyNetwork,
    *,
    depth: int | None = None,
    direction: str = "TB",
    theme: str = "light",
    timeout_s: float | None = None,
) -> str:
    """The diagram as SVG text, as a notebook shows it. See `render`."""
    from specgraph.backends.graphviz.engine import draw

    if depth is None:
        depth = fitting_depth(graph)
    return draw(render_dot(graph, depth=depth, direction=direction, theme=theme), "svg", timeout_s).decode()


def render(
    graph: Graph | FaultyNetwork,
    path: str | Path,
    *,
    depth: int | None = None,
    direction: str = "TB",
    theme: str = "light",
    layout: str = "layers",
    width: float | None = None,
) -> Path:
    """Draw a network into a `.svg`, `.png`, `.pdf` or `.dot` file and return its path.

    A faulty network is drawn as far as it is known, its errors at their nodes.
    `depth` folds blocks nested deeper than that into one box each; if it is None, a network of more than
    `MOST_BOXES` boxes is folded as far as it takes, except in a `.dot` file. `direction` is TB (top to bottom)
    or LR (left to right), `theme` light or dark. `layout` is `layers`; `u`, the U of a network that comes down and goes
    up again; or `volumes`, a volume for each map. `width` limits volumes and LR to so many cm: volumes stand in rows,
    LR is folded, then broken into rows. Raises CommandError for an unknown ending, direction, layout or theme, for a
    network that is not a U, or where the file cannot be written; MissingPackageError where no Graphviz is installed.
    """
    if depth is None and layout == "layers" and width is None and Path(path).suffix.lower() != ".dot":
        depth = fitting_depth(graph)
    dot = render_dot(graph, depth=depth, direction=direction, theme=theme, layout=layout, width=width)
    return write_drawing(dot, Path(path))


def write_drawing(dot: str, path: Path) -> Path:
    """Draw DOT text into a file, by the file's ending. Raises as `render` does."""
    from specgraph.atomic_files import write_atomically
    from specgraph.backends.graphviz.engine import FORMATS, dot_problem, draw
    from specgraph.read_back import svg_problem, write_read_back

    format = path.suffix.lower().removeprefix(".")
    if format not in FORMATS:
        endings = ", ".join(f".{ending}" for ending in FORMATS)
        what = f"the ending {path.suffix!r}" if path.suffix else "a file without an ending"
        raise CommandError(f"cannot draw {path}: {what} is not known", f"use one of {endings}")
    if format == "dot":
        write_read_back(path, dot, dot_problem)
    elif format == "svg":
        write_read_back(path, draw(dot, format).decode(), svg_problem)
    else:
        write_atomically(path, draw(dot, format))
    return path
