"""`report.html` of a sweep: best settings, what each parameter did, curves, and all trials."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from specgraph.escaping import for_html
from specgraph.sweeps.page import html_page, html_section
from specgraph.sweeps.results import Results, TrialResult
from specgraph.sweeps.space import short_names, show_value

WIDTH, HEIGHT, MARGIN = 300, 190, 34
STYLE = """
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
.plots figure { margin: 0; border: 1px solid var(--line); border-radius: .4rem; padding: .4rem; }
.plots figcaption { font-size: .85rem; text-align: center; }
.plots text { font-size: 10px; fill: currentColor; }
.plots .dot { fill: #4c72b0; opacity: .75; } .plots .cut { fill: #8c8c8c; opacity: .6; }
.plots circle.top { fill: #c44e52; }
.plots polyline { fill: none; stroke: #4c72b0; opacity: .45; } .plots polyline.top { stroke: #c44e52; opacity: 1; }
"""

Point = tuple[float, float, str, str]
"""Place, value, class, and what a pointer shows."""


def report_page(results: Results) -> str:
    """The whole page."""
    parts = [_header(results)]
    plots = [*_scatters(results)]
    if plots:
        parts.append(html_section("Parameters", f'<div class="plots">{"".join(plots)}</div>'))
    curves = _curves(results)
    if curves:
        parts.append(html_section("Epochs", f'<div class="plots">{curves}</div>'))
    parts.append(html_section("Trials", _table(results)))
    parts.append(html_section("Commands", _commands(results)))
    if results.discarded:
        parts.append(html_section("Discarded before training", _discarded(results)))
    return html_page(results.study, parts, STYLE)


def _header(results: Results) -> str:
    best = results.best()
    tiles, settings = [], ""
    if best is not None and best.value is not None:
        tiles.append((results.metric.show(best.value), f"validation {results.metric.title}, trial {best.number}"))
        settings = "\n".join(f"{name}: {show_value(value)}" for name, value in best.params.items())
    tiles.append((str(len(results.trials)), "trials"))
    tiles += [(str(results.count(state)), state) for state in ("ended early", "failed") if results.count(state)]
    shown = "".join(f'<div class="tile"><b>{for_html(v)}</b><span>{for_html(w)}</span></div>' for v, w in tiles)
    note = "Trials are compared on the validation set. The test set decides nothing."
    found = f"<p>Best settings:</p><pre>{for_pre(settings.splitlines())}</pre>" if settings else ""
    return f'<h1>{for_html(results.study)}</h1><p class="sub">{note}</p><div class="tiles">{shown}</div>{found}'


def _scatters(results: Results) -> Iterator[str]:
    """The metric over each parameter."""
    valued = [trial for trial in results.trials if trial.value is not None]
    for name in results.parameters:
        having = [trial for trial in valued if name in trial.params]
        given = [trial.params[name] for trial in having]
        if len(having) < 2:
            continue
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in given)
        if numbers:
            logarithmic = min(given) > 0 and max(given) / min(given) > 50
            places = [math.log10(value) if logarithmic else float(value) for value in given]
            ends = (show_value(min(given)), show_value(max(given)) + (" (log)" if logarithmic else ""))
        else:
            words = list(dict.fromkeys(show_value(value) for value in given))
            places = [float(words.index(show_value(value))) for value in given]
            ends = (words[0], words[-1])
        points = [_point(trial, place, results) for trial, place in zip(having, places, strict=True)]
        yield _plot(name, points, ends, results)


def _point(trial: TrialResult, place: float, results: Results) -> Point:
    assert trial.value is not None
    kind = "top" if trial == results.best() else "dot" if trial.state == "done" else "cut"
    return place, trial.value, kind, f"trial {trial.number}: {results.metric.show(trial.value)}"


def _plot(title: str, points: Sequence[Point], ends: tuple[str, str], results: Results) -> str:
    across, up = _scale([x for x, *_ in points], WIDTH), _scale([y for _, y, *_ in points], HEIGHT)
    dots = "".join(
        f'<circle class="{kind}" cx="{across(x):.1f}" cy="{HEIGHT - up(y):.1f}" r="4">'
        f"<title>{for_html(tip)}</title></circle>"
        for x, y, kind, tip in sorted(points, key=lambda point: point[2] == "top")
    )
    return _frame(title, dots, ends, [y for _, y, *_ in points], results)


def _curves(results: Results) -> str:
    """The metric over the epochs, a line a trial."""
    lines = [trial for trial in results.trials if len(trial.epochs) > 1]
    if not lines:
        return ""
    best = results.best()
    every = [value for trial in lines for value in trial.epochs.values()]
    last = max(max(trial.epochs) for trial in lines)
    across, up = _scale([1.0, float(last)], WIDTH), _scale(every, HEIGHT)
    drawn = ""
    for trial in sorted(lines, key=lambda trial: trial == best):
        points = " ".join(f"{across(x):.1f},{HEIGHT - up(y):.1f}" for x, y in trial.epochs.items())
        top = ' class="top"' if trial == best else ""
        drawn += f'<polyline{top} points="{points}"><title>trial {trial.number}</title></polyline>'
    return _frame("epoch", drawn, ("1", str(last)), every, results)


def _frame(title: str, body: str, ends: tuple[str, str], values: Sequence[float], results: Results) -> str:
    top, bottom = results.metric.show(max(values)), results.metric.show(min(values))
    ends = (_brief(ends[0]), _brief(ends[1]))
    return (
        f'<figure><svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{body}'
        f'<text x="4" y="12">{for_html(top)}</text><text x="4" y="{HEIGHT - MARGIN + 4}">{for_html(bottom)}</text>'
        f'<text x="{MARGIN}" y="{HEIGHT - 6}">{for_html(ends[0])}</text>'
        f'<text x="{WIDTH - 6}" y="{HEIGHT - 6}" text-anchor="end">{for_html(ends[1])}</text></svg>'
        f"<figcaption>{for_html(title)}</figcaption></figure>"
    )


def _brief(text: str) -> str:
    """A label at the end of an axis."""
    return text if len(text) <= 24 else text[:23] + "…"


class _scale:
    """From values to places between the margins of an axis."""

    def __init__(self, values: Sequence[float], length: int) -> None:
        self.least, most = min(values), max(values)
        self.span = (most - self.least) or 1.0
        self.length = length - 2 * MARGIN

    def __call__(self, value: float) -> float:
        return MARGIN + (value - self.least) / self.span * self.length


def _table(results: Results) -> str:
    short = short_names(results.parameters)
    titles = ["trial", *short.values(), results.metric.title, "epoch", "parameters", "multiply-adds", "seconds", ""]
    head = "".join(f"<th>{for_html(title)}</th>" for title in titles)
    best, body = results.best(), []
    for trial in results.ranked():
        cells = [
            str(trial.number),
            *(show_value(trial.params[name]) if name in trial.params else "" for name in results.parameters),
            "" if trial.value is None else results.metric.show(trial.value),
            "" if trial.epoch is None else str(trial.epoch),
            *(f"{trial.costs[name]:,.0f}" if name in trial.costs else "" for name in ("parameters", "multiply_adds")),
            "" if trial.seconds is None else f"{trial.seconds:.1f}",
            "" if trial.state == "done" else trial.state + (f": {trial.reason}" if trial.reason else ""),
        ]
        mark = ' class="best"' if trial == best else ""
        body.append(f"<tr{mark}>{''.join(f'<td>{for_html(cell)}</td>' for cell in cells)}</tr>")
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(body)}</table></div>'


def _commands(results: Results) -> str:
    lines = [f"# trial {trial.number}\n{trial.command}" for trial in results.ranked() if trial.command]
    return f"<p>Each command trains its trial alone.</p><pre>{for_pre(lines)}</pre>"


def for_pre(lines: Sequence[str]) -> str:
    """Lines inside `<pre>`."""
    return "\n".join(for_html(part) for line in lines for part in line.split("\n"))


def _discarded(results: Results) -> str:
    short = short_names(results.parameters)
    rows = "".join(
        "<tr>"
        + "".join(f"<td>{for_html(show_value(params[name]))}</td>" for name in results.parameters)
        + f"<td>{for_html(why)}</td></tr>"
        for params, why in results.discarded
    )
    head = "".join(f"<th>{for_html(title)}</th>" for title in (*short.values(), "why"))
    return f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'
