"""One line for each diagnostic: `path:line:column: severity[code]: message`."""

from __future__ import annotations

from specgraph.reporting.findings import Findings
from specgraph.reporting.formats.terminal import printable


def render(findings: Findings, *, colour: bool = False) -> str:
    """The findings, one line each."""
    lines = []
    for diagnostic in findings.diagnostics:
        span = diagnostic.span
        place = f"{printable(span.path)}:{span.line}:{span.column}"
        lines.append(f"{place}: {diagnostic.severity}[{diagnostic.code}]: {printable(diagnostic.message)}\n")
    return "".join(lines)
