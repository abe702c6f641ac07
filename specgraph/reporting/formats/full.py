"""Diagnostics with the source, carets at every place that belongs to the fault, notes and help."""

from __future__ import annotations

from specgraph.diagnostics.model import Diagnostic, Label, Span
from specgraph.named_tuples import NamedTuple
from specgraph.reporting.findings import Findings
from specgraph.reporting.formats.terminal import cells, paint, printable
from specgraph.source.tree import Source

MAX_WIDTH = 140
CONTEXT = 40
GUTTER = 5


class Mark(NamedTuple):
    """A place to underline in a line: columns from 1, end exclusive."""

    column: int
    end: int
    sign: str
    message: str


def render(findings: Findings, *, colour: bool = False) -> str:
    """The findings, a paragraph each."""
    return "".join(render_diagnostic(diagnostic, findings.sources, colour) for diagnostic in findings.diagnostics)


def render_diagnostic(diagnostic: Diagnostic, sources: dict[str, Source], colour: bool = False) -> str:
    """One diagnostic."""
    span = diagnostic.span
    severity = paint(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity, colour)
    message = paint(printable(diagnostic.message), "bold", colour)
    lines = [f"{printable(span.path)}:{span.line}:{span.column}: {severity}: {message}"]
    lines += _excerpts(diagnostic, sources, colour)
    lines += [f"   note: {printable(note)}" for note in diagnostic.notes]
    if diagnostic.help:
        lines.append(f"   {paint('help', 'help', colour)}: {printable(diagnostic.help)}")
    return "\n".join(lines) + "\n"


def _excerpts(diagnostic: Diagnostic, sources: dict[str, Source], colour: bool) -> list[str]:
    primary = Label(diagnostic.span, diagnostic.marker)
    by_path: dict[str, list[tuple[Label, str]]] = {diagnostic.span.path: [(primary, "^")]}
    for label in diagnostic.labels:
        by_path.setdefault(label.span.path, []).append((label, "-"))
    shown: list[str] = []
    for path, labels in by_path.items():
        source = sources.get(path)
        if source is None:
            continue
        if path != diagnostic.span.path:
            first = min(label.span for label, _ in labels)
            shown.append(f"{' ' * GUTTER}--> {printable(path)}:{first.line}:{first.column}")
        shown += _excerpt(source, labels, diagnostic.severity, colour)
    return shown


def _excerpt(source: Source, labels: list[tuple[Label, str]], severity: str, colour: bool) -> list[str]:
    by_line: dict[int, list[Mark]] = {}
    for label, sign in labels:
        span = label.span
        if 1 <= span.line <= len(source.lines):
            mark = Mark(span.column, _end_in_line(span, source), sign, printable(label.message))
            marks = by_line.setdefault(span.line, [])
            if mark not in marks:
                marks.append(mark)
    shown: list[str] = []
    previous = 0
    if all(not source.lines[line - 1].strip() for line in by_line):
        return shown
    for line in sorted(by_line):
        if previous and line > previous + 2:
            shown.append(f"{'...':>{GUTTER}}")
        elif previous and line == previous + 2:
            shown += _line(source.lines[previous], previous + 1, [], severity, colour)
        shown += _line(source.lines[line - 1], line, sorted(by_line[line]), severity, colour)
        previous = line
    return shown


def _end_in_line(span: Span, source: Source) -> int:
    if span.end_line == span.line:
        return max(span.end_column, span.column + 1)
    return max(len(source.lines[span.line - 1].rstrip()) + 1, span.column + 1)


def _line(text: str, number: int, marks: list[Mark], severity: str, colour: bool) -> list[str]:
    first, last = _window(len(text), marks)
    shown = cells(text[first:last])
    front = "…" if first else ""
    back = "…" if last < len(text) else ""
    body = front + "".join(cell for cell, _ in shown) + back
    gutter = paint(f"{number:>{GUTTER}} |", "gutter", colour)
    lines = [f"{gutter} {body}".rstrip()]
    empty = paint(f"{'':>{GUTTER}} |", "gutter", colour)
    offset = len(front)
    waiting = list(marks)
    while waiting:
        row: list[str] = []
        column = 0
        rest: list[Mark] = []
        for index, mark in enumerate(waiting):
            begin = max(0, mark.column - 1 - first)
            start = offset + sum(size for _, size in shown[:begin])
            size = sum(size for _, size in shown[begin : max(begin, mark.end - 1 - first)]) or 1
            if start < column:
                rest.append(mark)
                continue
            underline = mark.sign * size
            followed = mark.message and index + 1 < len(waiting)
            text_behind = "" if not mark.message else f" {mark.message}"
            painted = paint(f"{underline}{text_behind}", severity if mark.sign == "^" else "label", colour)
            row.append(" " * (start - column) + painted)
            column = start + size + len(text_behind) + bool(followed)
            if followed:
                row.append(" ")
        lines.append(f"{empty} {''.join(row)}".rstrip())
        waiting = rest
    return lines


def _window(length: int, marks: list[Mark]) -> tuple[int, int]:
    """First and last character to show of a line: all of it, or the text around the marks."""
    if length <= MAX_WIDTH or not marks:
        return 0, min(length, MAX_WIDTH)
    start = max(0, min(mark.column for mark in marks) - 1 - CONTEXT)
    end = max(mark.end for mark in marks) - 1
    if end - start > MAX_WIDTH - CONTEXT:  # the first mark matters most
        end = min(end, start + MAX_WIDTH - CONTEXT)
    return start, min(length, max(end + CONTEXT, start + MAX_WIDTH - CONTEXT))
