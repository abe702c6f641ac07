"""A drawing whose places are known: shapes, arrows and words, as DOT text that Graphviz lays out no more than a page.

Shapes are the background of the graph (xdot), words are nodes with a place. Lengths are points; y grows upwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphviz import escape

from specgraph.escaping import for_dot

Point = tuple[float, float]
FONT = "Helvetica,Arial,sans-serif"
ENGINE = "nop2"
"""Graphviz's engine that moves nothing."""
HEAD = 6.0


def is_placed(dot: str) -> bool:
    """Whether a DOT text is that of a sheet."""
    return f"layout={ENGINE}" in dot[:200]


class Sheet:
    """Shapes, arrows and words at places of their own."""

    def __init__(self, name: str, background: str, text: str) -> None:
        self.name = name
        self.background = background
        self.text_colour = text
        self.drawn: list[str] = []
        self.words: list[str] = []
        self.low: Point = (0.0, 0.0)
        self.high: Point = (0.0, 0.0)

    def polygon(self, points: Sequence[Point], fill: str, line: str) -> None:
        """A filled shape."""
        self.drawn += [_colour("c", line), _colour("C", fill), _points("P", points)]
        self._cover(points)

    def line(self, points: Sequence[Point], colour: str, width: float = 1.0) -> None:
        """A line through points."""
        self.drawn += [_colour("c", colour), _style(f"setlinewidth({width:g})"), _points("L", points)]
        self.drawn.append(_style("setlinewidth(1)"))
        self._cover(points)

    def arrow(self, points: Sequence[Point], colour: str, width: float = 1.0) -> None:
        """A line through points with a head at its end."""
        (x0, y0), (x1, y1) = points[-2:]
        length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-6)
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        base = (x1 - HEAD * ux, y1 - HEAD * uy)
        self.line([*points[:-1], base], colour, width)
        wings = [(base[0] - HEAD / 2 * uy, base[1] + HEAD / 2 * ux), (base[0] + HEAD / 2 * uy, base[1] - HEAD / 2 * ux)]
        self.polygon([(x1, y1), *wings], colour, colour)

    def write(
        self, place: Point, words: str, size: float = 9, colour: str | None = None, *, bold: bool = False
    ) -> None:
        """Words around a place."""
        if not words.strip():
            return
        width = width_of(words, size)
        x, y = place
        face = "Helvetica-Bold" if bold else FONT
        self.words.append(
            f'  t{len(self.words)} [label="{escape(for_dot(words))}", pos="{x:.2f},{y:.2f}", fontsize={size:g},'
            f' fontname="{face}", fontcolor="{colour or self.text_colour}"]'
        )
        self._cover([(x - width / 2, y - size * 0.7), (x + width / 2, y + size * 0.7)])

    def _cover(self, points: Sequence[Point]) -> None:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        self.low = (min(self.low[0], *xs), min(self.low[1], *ys))
        self.high = (max(self.high[0], *xs), max(self.high[1], *ys))

    @property
    def size(self) -> Point:
        """Width and height of all that is drawn."""
        return self.high[0] - self.low[0], self.high[1] - self.low[1]

    def to_dot(self) -> str:
        """The DOT text."""
        (left, bottom), (width, height) = self.low, self.size
        page = (
            f"  page [shape=box, style=invis, fixedsize=true, width={width / 72:.4f}, height={height / 72:.4f},"
            f' pos="{left + width / 2:.2f},{bottom + height / 2:.2f}"]'
        )
        lines = [
            f'digraph "{escape(for_dot(self.name))}" {{',
            f'  graph [layout={ENGINE}, bgcolor="{self.background}", pad=0.12, _background="{" ".join(self.drawn)}"]',
            '  node [shape=plaintext, label="", margin=0, width=0, height=0]',
            page,
            *self.words,
            "}",
        ]
        return "\n".join(lines) + "\n"


def width_of(words: str, size: float) -> float:
    """About how wide words are."""
    return len(words) * size * 0.54


def _colour(operation: str, colour: str) -> str:
    return f"{operation} {len(colour)} -{colour}"


def _style(style: str) -> str:
    return f"S {len(style)} -{style}"


def _points(operation: str, points: Sequence[Point]) -> str:
    return f"{operation} {len(points)} " + " ".join(f"{x:.2f} {y:.2f}" for x, y in points)
