"""What the checker says: a fault, its place, and its cure. Knows no output format."""

from __future__ import annotations

from typing import Literal

from specgraph.named_tuples import NamedTuple

Severity = Literal["error", "warning", "info"]
Applicability = Literal["safe", "unsafe", "expect"]


class Span(NamedTuple):
    """A region of a file. Lines and columns count from 1 in code points; ends are exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


class Label(NamedTuple):
    """A second place that belongs to a fault, with what is to be seen there."""

    span: Span
    message: str


class Edit(NamedTuple):
    """Replace the text of `span` by `text` (an insertion where the span is empty)."""

    span: Span
    text: str


class Fix(NamedTuple):
    """Edits that cure a fault. `safe` keeps the author's meaning; `unsafe` needs a reader's eye; `expect`
    changes a shape that the author declared. `help` says what it does, where the diagnostic's does not."""

    applicability: Applicability
    edits: tuple[Edit, ...]
    help: str | None = None


class Diagnostic(NamedTuple):
    """One fault: a root cause, never a consequence of another.

    `message` stands alone: lower case, no final stop, the node named first, the numbers in it.
    `marker` is the text after the carets in the `full` format; `help` says what to write. `alternatives` are
    other fixes, each of which cures the fault instead of `fix`.
    """

    code: str
    rule: str
    severity: Severity
    message: str
    span: Span
    node: str | None = None
    marker: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    fix: Fix | None = None
    alternatives: tuple[Fix, ...] = ()

    def __str__(self) -> str:
        return f"{self.span.path}:{self.span.line}:{self.span.column}: {self.severity}[{self.code}]: {self.message}"

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """Every fix, the one to choose first."""
        return self.alternatives if self.fix is None else (self.fix, *self.alternatives)

    @property
    def sort_key(self) -> tuple[str, int, int, str]:
        """Order of appearance: by file, line, column, then code."""
        return (self.span.path, self.span.line, self.span.column, self.code)
