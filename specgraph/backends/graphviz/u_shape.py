"""A network that comes down and goes up again as the U of its maps (Ronneberger, Fischer and Brox 2015, figure 1): a
row for each size, what is carried over from left to right."""

from __future__ import annotations

from math import log2

from specgraph.backends.graphviz.maps import FeatureMap
from specgraph.backends.graphviz.sheet import Sheet, width_of
from specgraph.backends.graphviz.theme import Theme
from specgraph.errors import CommandError

STEP = 20.0
TALLEST = 96.0
LEAST = 12.0
ROW_GAP = 38.0
SMALL = 8.0
MOST_NAMED = 8
COLOURS = ("#3d74ad", "#c0392b", "#2f8263", "#8a5fb0", "#b3701b", "#94801a", "#2a7d8f", "#6b7683")


class _Bar:
    """A map in its row. `carried` is the bar beside which what is joined to it stands."""

    def __init__(self, shown: FeatureMap, largest: int) -> None:
        self.shown = shown
        self.level = 0
        self.height: float = LEAST + (TALLEST - LEAST) * (shown.side / largest) ** 0.5
        self.width = 3 + 1.9 * log2(shown.channels + 1)
        self.x = self.y = 0.0
        self.host: _Bar | None = None  # the bar that a join stands at
        self.guest: _Bar | None = None  # the join that stands at this bar

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2


def draw_u(name: str, maps: list[FeatureMap], theme: Theme) -> str:
    """The figure as DOT text. Raises CommandError for a network that does not come down and go up again."""
    bars = [_Bar(each, max((other.side for other in maps), default=1)) for each in maps]
    _find_levels(bars)
    _refuse(bars)
    _join(bars)
    _place(bars)
    sheet = Sheet(name, theme.background, theme.text)
    colour_of = _colours(bars)
    for bar in bars:
        _draw_arrows(sheet, bar, bars, colour_of, theme)
    for bar in bars:
        _draw_bar(sheet, bar, theme)
    _write_sizes(sheet, bars, theme)
    _draw_legend(sheet, colour_of, theme)
    return sheet.to_dot()


def _find_levels(bars: list[_Bar]) -> None:
    """How often each map was halved: sizes that a convolution without padding trims stay in their row."""
    for bar in bars:
        if bar.shown.sources:
            source = bars[bar.shown.sources[-1] if len(bar.shown.sources) == 1 else max(bar.shown.sources)]
            bar.level = source.level + round(log2(source.shown.side / bar.shown.side))
    ranks = {level: rank for rank, level in enumerate(sorted({bar.level for bar in bars}))}
    for bar in bars:
        bar.level = ranks[bar.level]


def _refuse(bars: list[_Bar]) -> None:
    deepest = max(range(len(bars)), key=lambda place: bars[place].level)
    rises = any(bar.level < bars[deepest].level for bar in bars[deepest:])
    if bars[deepest].level == 0 or not rises:
        raise CommandError(
            "this network is not a U: its maps do not become smaller and larger again",
            "use --layout volumes, or leave --layout out",
        )


def _join(bars: list[_Bar]) -> None:
    """A join of what was carried over and what comes up stands at the bar that comes up."""
    for place, bar in enumerate(bars):
        sources = bar.shown.sources
        up = bars[place - 1] if place else bar
        carried = [source for source in sources if source != place - 1 and bars[source].level == bar.level]
        if carried and place - 1 in sources and up.level == bar.level and up.host is None:
            bar.host, up.guest = up, bar
            bar.width = 3 + 1.9 * log2(max(bar.shown.channels - up.shown.channels, 1) + 1)


def _place(bars: list[_Bar]) -> None:
    ends: dict[int, float] = {}
    before: _Bar | None = None
    for bar in bars:
        if bar.host is not None:
            bar.x = bar.host.left - bar.width / 2
            continue
        beside = bar.guest.width if bar.guest is not None else 0.0
        x = 0.0
        if before is not None:
            x = before.x if bar.level != before.level else before.right + STEP + bar.width / 2
        bar.x = max(x, ends[bar.level] + STEP + beside + bar.width / 2) if bar.level in ends else max(x, beside)
        ends[bar.level] = bar.right
        before = bar
    y = 0.0
    for level in range(max(bar.level for bar in bars) + 1):
        tallest = max(bar.height for bar in bars if bar.level == level)
        y -= tallest / 2
        for bar in bars:
            if bar.level == level:
                bar.y = y
        y -= tallest / 2 + ROW_GAP


def _name(bar: _Bar) -> str:
    """What an operation is called without its channels."""
    parts = bar.shown.operation.split(", ")
    return ", ".join(part for part in parts if not part.isdecimal())


def _colours(bars: list[_Bar]) -> dict[str, str]:
    names = dict.fromkeys(_name(bar) for bar in bars if bar.shown.operation and bar.host is None)
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def _draw_arrows(sheet: Sheet, bar: _Bar, bars: list[_Bar], colour_of: dict[str, str], theme: Theme) -> None:
    for number in bar.shown.sources:
        source = bars[number]
        if bar.host is source:
            continue
        start = source.host or source
        colour = theme.line if bar.host is not None else colour_of.get(_name(bar), theme.line)
        if start.level == bar.level:
            between = [b for b in bars if b.level == bar.level and start.right < b.x < bar.left and b is not bar.guest]
            end = bar.guest.left if bar.guest is not None else bar.left
            if not between:
                sheet.arrow([(start.right, bar.y), (end, bar.y)], colour, 2 if bar.host is not None else 1.2)
            else:  # below the bars that stand between
                low = min(b.y - b.height / 2 for b in between) - 6
                path = [
                    (start.x, start.y - start.height / 2),
                    (start.x, low),
                    (bar.x, low),
                    (bar.x, bar.y - bar.height / 2),
                ]
                sheet.arrow(path, colour)
        elif start.level < bar.level:
            sheet.arrow([(bar.x, start.y - start.height / 2), (bar.x, _top(bar) + 12)], colour, 1.6)
        else:
            edge = start.y + start.height / 2 + 12
            sheet.arrow([(start.x, edge), (start.x, bar.y - bar.height / 2)], colour, 1.6)


def _top(bar: _Bar) -> float:
    return bar.y + bar.height / 2


def _draw_bar(sheet: Sheet, bar: _Bar, theme: Theme) -> None:
    fill, line = theme.families[bar.shown.family]
    low, high = bar.y - bar.height / 2, _top(bar)
    if bar.host is not None:
        fill = theme.background
        low, high = bar.host.y - bar.host.height / 2, _top(bar.host)
    sheet.polygon([(bar.left, low), (bar.right, low), (bar.right, high), (bar.left, high)], fill, line)
    if bar.guest is not None:
        return  # what is joined says how many channels there are
    middle = (bar.left + bar.host.right) / 2 if bar.host is not None else bar.x
    times = f" ×{bar.shown.times}" if bar.shown.times > 1 else ""
    sheet.write((middle, high + 6), f"{bar.shown.channels}{times}", SMALL)


def _write_sizes(sheet: Sheet, bars: list[_Bar], theme: Theme) -> None:
    """The size of the first map of each row, and of the last where it is another; what goes in."""
    for level in {bar.level for bar in bars}:
        row = [bar for bar in bars if bar.level == level and bar.host is None]
        for bar, said in ((row[0], True), (row[-1], row[-1].shown.side != row[0].shown.side)):
            if not said:
                continue
            words = f"{bar.shown.side}×{bar.shown.wide}"
            if bar is row[0]:
                sheet.write((bar.left - width_of(words, SMALL) / 2 - 5, bar.y), words, SMALL, theme.faint)
            else:
                sheet.write((bar.right + width_of(words, SMALL) / 2 + 5, bar.y), words, SMALL, theme.faint)


def _draw_legend(sheet: Sheet, colour_of: dict[str, str], theme: Theme) -> None:
    named = [*list(colour_of.items())[:MOST_NAMED], ("carried over", theme.line)]
    y = sheet.low[1] - 16
    left = x = sheet.low[0]
    right = max(sheet.high[0], left + 320)
    for words, colour in named:
        needed = 30 + width_of(words, SMALL) + 16
        if x > left and x + needed > right:
            x, y = left, y - 13
        sheet.arrow([(x, y), (x + 22, y)], colour, 1.6)
        sheet.write((x + 28 + width_of(words, SMALL) / 2, y), words, SMALL)
        x += needed
    sheet.write(((left + sheet.high[0]) / 2, y - 18), sheet.name, 10, bold=True)
