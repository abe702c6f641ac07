"""A network as volumes in a row, in the manner of the figures of LeNet and AlexNet: as high and deep as the map, as
long as it has channels."""

from __future__ import annotations

from specgraph.backends.graphviz.maps import FeatureMap
from specgraph.backends.graphviz.sheet import Point, Sheet, width_of
from specgraph.backends.graphviz.theme import Theme

TALLEST = 110.0
LEAST = 10.0
SLANT = 0.3
GAP = 20.0
SMALL = 8.0
LINE = 10.0
LANE = 7.0
ROW_GAP = 26.0
MOST_LINES = 3


class _Volume:
    """A map with its measures and its place, the middle of the left edge of its front."""

    def __init__(self, shown: FeatureMap, largest: int) -> None:
        self.shown = shown
        is_vector = shown.side == shown.wide == 1
        if is_vector:
            self.height, self.depth = min(18 + 7 * shown.channels**0.3, TALLEST), 3.0
            self.length = 7.0
        else:
            self.height = LEAST + (TALLEST - LEAST) * (shown.side / largest) ** 0.5
            self.depth = SLANT * (LEAST + (TALLEST - LEAST) * (shown.wide / largest) ** 0.5)
            self.length = 3 + 1.6 * shown.channels**0.5
        times = f" ×{shown.times}" if shown.times > 1 else ""
        self.below = [line + times * (line == shown.label) for line in (shown.operation or shown.label).split(", ")]
        self.below = self.below[:MOST_LINES]
        if times and self.below:
            self.below[0] += times
        self.x = self.y = 0.0

    @property
    def room(self) -> float:
        """How wide it stands with its words."""
        words = max(width_of(line, SMALL) for line in (self.shown.shape, *self.below))
        return max(self.length + self.depth, words)

    @property
    def left(self) -> Point:
        """Where arrows enter."""
        return self.x, self.y

    @property
    def right(self) -> Point:
        """Where arrows leave."""
        return self.x + self.length + self.depth / 2, self.y + self.depth / 2


def draw_volumes(name: str, maps: list[FeatureMap], theme: Theme, max_width: float | None = None) -> str:
    """The figure as DOT text, broken into rows no wider than `max_width` points."""
    sheet = Sheet(name, theme.background, theme.text)
    largest = max((each.side for each in maps), default=1)
    volumes = [_Volume(each, max(largest, 1)) for each in maps]
    rows = _rows(volumes, max_width)
    row_of = {volume: number for number, row in enumerate(rows) for volume in row}
    skips = _skips(volumes, row_of)
    y = 0.0
    for number, row in enumerate(rows):
        top = max(volume.height / 2 + volume.depth for volume in row)
        bottom = max(volume.height / 2 for volume in row) + LINE * max(len(volume.below) for volume in row)
        lanes = sum(row_of[volumes[start]] == number for start, _ in skips)
        y -= top + LINE + LANE * lanes
        x = 0.0
        for volume in row:
            volume.x, volume.y = x + (volume.room - volume.length - volume.depth) / 2, y
            x += volume.room + GAP
        y -= bottom + ROW_GAP
    _connect(sheet, volumes, row_of, skips, theme)
    for volume in volumes:
        _draw(sheet, volume, theme)
    return sheet.to_dot()


def _rows(volumes: list[_Volume], max_width: float | None) -> list[list[_Volume]]:
    rows: list[list[_Volume]] = [[]]
    width = 0.0
    for volume in volumes:
        if rows[-1] and max_width is not None and width + volume.room > max_width:
            rows.append([])
            width = 0.0
        rows[-1].append(volume)
        width += volume.room + GAP
    return rows


def _skips(volumes: list[_Volume], row_of: dict[_Volume, int]) -> list[tuple[int, int]]:
    """Arrows that pass over others, in the same row."""
    return [
        (source, place)
        for place, volume in enumerate(volumes)
        for source in volume.shown.sources
        if source != place - 1 and row_of[volumes[source]] == row_of[volume]
    ]


def _connect(
    sheet: Sheet, volumes: list[_Volume], row_of: dict[_Volume, int], skips: list[tuple[int, int]], theme: Theme
) -> None:
    lanes: dict[int, int] = {}
    for place, volume in enumerate(volumes):
        for source in volume.shown.sources:
            start = volumes[source]
            if (source, place) in skips:  # over the words that stand above
                number = row_of[volume]
                lanes[number] = lanes.get(number, 0) + 1
                tops = [v.y + v.height / 2 + v.depth for v in volumes if row_of[v] == number]
                over = max(tops) + LINE + LANE * lanes[number]
                out, back = start.x + start.length + start.depth + 5, volume.x - 6
                points = [start.right, (out, start.right[1]), (out, over), (back, over), (back, volume.y), volume.left]
                sheet.arrow(points, theme.line)
            elif row_of[start] == row_of[volume]:
                sheet.arrow([(start.right[0], volume.y), volume.left], theme.line)
            else:  # round the end of its row and back to the next
                row = [v for v in volumes if row_of[v] == row_of[start]]
                words = max(v.height / 2 + LINE * len(v.below) for v in row)
                edge = max(v.x + v.length + v.depth for v in row) + 12
                turn = start.y - words - ROW_GAP / 2
                far = volume.x - 10
                path = [start.right, (edge, start.right[1]), (edge, turn), (far, turn), (far, volume.y), volume.left]
                sheet.arrow(path, theme.line)


def _draw(sheet: Sheet, volume: _Volume, theme: Theme) -> None:
    fill, line = theme.families[volume.shown.family]
    x, y, length, depth = volume.x, volume.y, volume.length, volume.depth
    low, high = y - volume.height / 2, y + volume.height / 2
    sheet.polygon([(x, low), (x + length, low), (x + length, high), (x, high)], fill, line)
    roof = [(x, high), (x + length, high), (x + length + depth, high + depth), (x + depth, high + depth)]
    sheet.polygon(roof, fill, line)
    face = [
        (x + length, low), (x + length + depth, low + depth), (x + length + depth, high + depth), (x + length, high),
    ]  # fmt: skip
    sheet.polygon(face, fill, line)
    middle = x + (length + depth) / 2
    sheet.write((middle, high + depth + LINE * 0.7), volume.shown.shape, SMALL)
    for number, words in enumerate(volume.below):
        sheet.write((middle, low - LINE * (number + 0.8)), words, SMALL, theme.faint)
