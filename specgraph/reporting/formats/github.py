"""Workflow commands that GitHub shows as annotations on the changed lines."""

from __future__ import annotations

from specgraph.reporting.findings import Findings

COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render(findings: Findings, *, colour: bool = False) -> str:
    """The findings, one workflow command each."""
    lines = []
    for diagnostic in findings.diagnostics:
        span = diagnostic.span
        properties = {
            "file": span.path,
            "line": span.line,
            "endLine": span.end_line,
            "col": span.column,
            "endColumn": span.end_column,
            "title": f"{diagnostic.code} {diagnostic.rule}",
        }
        if span.end_line != span.line:
            del properties["col"], properties["endColumn"]  # GitHub takes columns within one line only
        text = [diagnostic.message, *(f"note: {note}" for note in diagnostic.notes)]
        if diagnostic.help is not None:
            text.append(f"help: {diagnostic.help}")
        settings = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
        lines.append(f"::{COMMANDS[diagnostic.severity]} {settings}::{_data(chr(10).join(text))}\n")
    return "".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
