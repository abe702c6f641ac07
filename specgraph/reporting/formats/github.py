"""Workflow commands that GitHub shows as annotations on the changed lines."""

from __future__ import annotations

from specgraph.escaping import for_workflow_command, for_workflow_property
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
        settings = ",".join(f"{name}={for_workflow_property(str(value))}" for name, value in properties.items())
        lines.append(f"::{COMMANDS[diagnostic.severity]} {settings}::{for_workflow_command(chr(10).join(text))}\n")
    return "".join(lines)
