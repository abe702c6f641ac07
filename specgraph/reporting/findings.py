"""What a run of the checker found, over all files: what the output formats show."""

from __future__ import annotations

from collections.abc import Iterable

from specgraph.diagnostics.model import Diagnostic
from specgraph.named_tuples import NamedTuple
from specgraph.source.tree import Source


class Findings(NamedTuple):
    """`files` as checked, diagnostics in order, the text of every file that was read."""

    files: list[str]
    diagnostics: list[Diagnostic]
    sources: dict[str, Source]

    def count(self, severity: str) -> int:
        """Number of diagnostics of a severity."""
        return sum(diagnostic.severity == severity for diagnostic in self.diagnostics)

    def without_infos(self) -> Findings:
        """Errors and warnings alone."""
        return self._replace(diagnostics=[d for d in self.diagnostics if d.severity != "info"])

    def summary(self) -> str:
        """The counts in a line: `2 specs checked, 1 error, 3 warnings`."""
        parts = [f"{plural(len(self.files), 'spec')} checked"]
        parts += [plural(self.count(severity), severity) for severity in ("error", "warning") if self.count(severity)]
        if len(parts) == 1:
            parts.append("no problems")
        return ", ".join(parts)


def plural(count: int, noun: str) -> str:
    """`1 spec`, `2 specs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def merge(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Diagnostics of several specs, those of a shared included file once."""
    return list({(d.code, d.span, d.message): d for d in diagnostics}.values())
