"""One JSON object with all findings."""

from __future__ import annotations

import json
from typing import Any

from specgraph.diagnostics.model import Diagnostic, Fix, Span
from specgraph.reporting.findings import Findings


def render(findings: Findings, *, colour: bool = False) -> str:
    """The findings as one JSON object, a diagnostic a line: Python's quick encoder does not indent."""
    summary = {f"{severity}s": findings.count(severity) for severity in ("error", "warning", "info")}
    diagnostics = ",".join("\n  " + _line(diagnostic_json(diagnostic)) for diagnostic in findings.diagnostics)
    return (
        '{"version": 1,\n'
        f' "files": {_line(findings.files)},\n'
        f' "diagnostics": [{diagnostics}],\n'
        f' "summary": {_line(summary)}}}\n'
    )


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


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
        found["fix"] = _fix(diagnostic.fix, path)
    if diagnostic.alternatives:
        found["alternatives"] = [_fix(fix, path) for fix in diagnostic.alternatives]
    return found


def _fix(fix: Fix, path: str) -> dict[str, Any]:
    return {
        "applicability": fix.applicability,
        **({} if fix.help is None else {"help": fix.help}),
        "edits": [{**_path(edit.span, path), **_place(edit.span), "text": edit.text} for edit in fix.edits],
    }


def _place(span: Span) -> dict[str, int]:
    return {
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _path(span: Span, path: str) -> dict[str, str]:
    return {} if span.path == path else {"path": span.path}
