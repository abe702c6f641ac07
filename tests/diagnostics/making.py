"""Diagnostics made by hand, for tests of what is done with them."""

from __future__ import annotations

from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Applicability, Edit, Fix, Span
from specgraph.reporting.findings import Findings
from specgraph.source.tree import Source


def span(
    line: int, column: int, end_column: int | None = None, path: str = "a.yaml", end_line: int | None = None
) -> Span:
    return Span(path, line, column, end_line or line, column + 1 if end_column is None else end_column)


def fix(*edits: tuple[Span, str], applicability: Applicability = "safe") -> Fix:
    return Fix(applicability, tuple(Edit(place, text) for place, text in edits))


def findings(text: str, *reports: tuple[str, str, Span, dict[str, Any]], path: str = "a.yaml") -> Findings:
    collector = Collector()
    for rule, message, place, more in reports:
        collector.report(rule, message, place, **more)
    return Findings([path], collector.diagnostics, {path: Source(path, text)})
