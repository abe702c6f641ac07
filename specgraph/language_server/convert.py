"""The checker's diagnostics in the protocol's terms."""

from __future__ import annotations

from collections.abc import Callable

from lsprotocol import types

from specgraph.diagnostics.model import Diagnostic
from specgraph.language_server.positions import Positions
from specgraph.language_server.rules_page import rule_uri

SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "info": types.DiagnosticSeverity.Information,
}
UNNECESSARY = frozenset(
    {
        "unused-suppression",
        "dead-branch",
        "no-effect",
        "redundant-activation",
        "unused-block",
        "unused-argument",
        "unused-variable",
        "unused-input",
    }
)
"""Rules about what could be left out: editors show it faded."""


def diagnostic(found: Diagnostic, place: Callable[[str], tuple[str, Positions]]) -> types.Diagnostic:
    """A diagnostic; `place` gives the address and the conversions of a file."""
    _, positions = place(found.span.path)
    related = []
    for label in found.labels:
        label_uri, label_positions = place(label.span.path)
        location = types.Location(label_uri, label_positions.range(label.span))
        related.append(types.DiagnosticRelatedInformation(location, label.message))
    lines = [found.message, *(f"note: {note}" for note in found.notes)]
    if found.help:
        lines.append(f"help: {found.help}")
    address = rule_uri(found.code)
    return types.Diagnostic(
        range=positions.range(found.span),
        message="\n".join(lines),
        severity=SEVERITIES[found.severity],
        code=found.code,
        code_description=types.CodeDescription(address) if address is not None else None,
        source="specgraph",
        tags=[types.DiagnosticTag.Unnecessary] if found.rule in UNNECESSARY else None,
        related_information=related or None,
        data={"rule": found.rule},
    )
