"""One list of diagnostics that every stage reports into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from specgraph.diagnostics.message import words_of
from specgraph.diagnostics.model import Diagnostic, Fix, Label, Severity, Span
from specgraph.diagnostics.rule import rule as find_rule

MAX_DIAGNOSTICS = 10_000


class Collector:
    """Gathers diagnostics. A second report of the same rule at the same place is dropped; so is what
    goes beyond `MAX_DIAGNOSTICS`, which nothing reads and which would only fill memory. An error takes
    the place of the last that is none."""

    __slots__ = ("_found", "_lesser", "is_full", "num_errors", "num_reports")

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, int, int], Diagnostic] = {}
        self._lesser: list[tuple[str, str, int, int]] = []
        self.num_errors = 0
        self.num_reports = 0  # those that were dropped counted too
        self.is_full = False

    def report(
        self,
        rule: str,
        message: str,
        span: Span,
        *,
        node: str | None = None,
        marker: str = "",
        labels: Iterable[Label] = (),
        notes: Iterable[str] = (),
        help: str | None = None,
        fix: Fix | None = None,
        severity: Severity | None = None,
    ) -> None:
        """Add a diagnostic. `rule` is the rule's kebab-case name; `severity` overrides the rule's.

        Raises KeyError for a rule that does not exist.
        """
        known = find_rule(rule)
        self.num_reports += 1
        key = (known.code, span.path, span.line, span.column)
        if key in self._found:
            return
        severity = severity or known.severity
        if len(self._found) >= MAX_DIAGNOSTICS:
            self.is_full = True
            if severity != "error" or not self._give_way():
                return
        self._count(key, severity)
        self._found[key] = Diagnostic(
            known.code,
            known.name,
            severity,
            message,
            span,
            node,
            marker,
            tuple(labels),
            tuple(notes),
            help,
            fix,
        )

    def say(
        self,
        rule: str,
        case: str,
        facts: Mapping[str, Any],
        span: Span,
        *,
        node: str | None = None,
        marker: str = "",
        labels: Iterable[Label] = (),
        help: str | None = None,
        fix: Fix | None = None,
        severity: Severity | None = None,
    ) -> None:
        """Add a diagnostic in the words that the rule's `MESSAGES` have for a case, filled with its facts. A
        `help` that was computed, such as a near name, takes the place of the rule's own.

        Raises KeyError for a rule or a case that does not exist, and for a fact that is missing.
        """
        words = words_of(rule, case, facts)
        self.report(
            rule,
            words.message,
            span,
            node=node,
            marker=marker,
            labels=labels,
            notes=words.notes,
            help=help or words.help,
            fix=fix,
            severity=severity,
        )

    def add(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add diagnostics made elsewhere."""
        for diagnostic in diagnostics:
            span = diagnostic.span
            key = (diagnostic.code, span.path, span.line, span.column)
            if key not in self._found:
                self._count(key, diagnostic.severity)
                self._found[key] = diagnostic

    def _count(self, key: tuple[str, str, int, int], severity: Severity) -> None:
        if severity == "error":
            self.num_errors += 1
        else:
            self._lesser.append(key)

    def _give_way(self) -> bool:
        """Drop the last diagnostic that is no error; False where all are errors."""
        while self._lesser:
            key = self._lesser.pop()
            if key in self._found and self._found[key].severity != "error":
                del self._found[key]
                return True
        return False

    def discard(self, diagnostic: Diagnostic) -> None:
        """Drop a diagnostic that was reported."""
        span = diagnostic.span
        if self._found.pop((diagnostic.code, span.path, span.line, span.column), None) is not None:
            self.num_errors -= diagnostic.severity == "error"

    @property
    def has_errors(self) -> bool:
        """Whether anything reported is an error."""
        return self.num_errors > 0

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All diagnostics by file, line, column and code."""
        return sorted(self._found.values(), key=lambda diagnostic: diagnostic.sort_key)
