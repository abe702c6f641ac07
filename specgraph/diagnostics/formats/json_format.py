"""One JSON object with all findings."""

from __future__ import annotations

import json
from typing import Any

from specgraph.diagnostics.findings import Findings
from specgraph.diagnostics.model import Diagnostic, Span


def render(findings: Findings, *, colour: bool = False) -> str:
    """The findings as one JSON object, in the form that docs/diagnostics.md describes."""
    found = {
        "version": 1,
        "files": findings.files,
        "diagnostics": [diagnostic_json(diagnostic) for diagnostic in findings.diagnostics],
        "summary": {
            "errors": findings.count("error"),
            "warnings": findings.count("warning"),
            "infos": findings.count("info"),
        },
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """One diagnostic as plain data; absent keys mean there is none."""
    path = diagnostic.span.path
    found: dict[str, Any] = {
        "code": diagnostic.code,
        "rule": diagnostic.rule,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "path": path,
        **_place(diagnostic.span),
    }
    if diagnostic.node is not None:
        found["node"] = diagnostic.node
    if diagnostic.marker:
        found["marker"] = diagnostic.marker
    found["labels"] = [
        {**_path(label.span, path), **_place(label.span), "message": label.message} for label in diagnostic.labels
    ]
    found["notes"] = list(diagnostic.notes)
    if diagnostic.help is not None:
        found["help"] = diagnostic.help
    if diagnostic.fix is not None:
        found["fix"] = {
            "applicability": diagnostic.fix.applicability,
            "edits": [
                {**_path(edit.span, path), **_place(edit.span), "text": edit.text} for edit in diagnostic.fix.edits
            ],
        }
    return found


def _place(span: Span) -> dict[str, int]:
    return {
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _path(span: Span, path: str) -> dict[str, str]:
    return {} if span.path == path else {"path": span.path}
