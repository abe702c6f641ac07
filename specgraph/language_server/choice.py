"""Which warnings a project wants to see: `[tool.specgraph]` of its pyproject.toml."""

from __future__ import annotations

from typing import NamedTuple

from specgraph.cli.project_config import project_config
from specgraph.diagnostics.model import Diagnostic
from specgraph.errors import CommandError


class Choice(NamedTuple):
    """Codes, names and prefixes of codes that are reported, and that are not. Errors always are."""

    selected: tuple[str, ...]
    ignored: tuple[str, ...]

    @staticmethod
    def of_project(folder: str) -> Choice:
        """The choice of the project around a folder; everything where its file cannot be read."""
        try:
            config = project_config(folder or ".")
        except (CommandError, OSError):
            return Choice((), ())
        return Choice(tuple(config.get("select", ())), tuple(config.get("ignore", ())))

    def keeps(self, diagnostic: Diagnostic) -> bool:
        """Whether a diagnostic is reported."""
        if diagnostic.severity == "error":
            return True
        if self.selected and not _matches(diagnostic, self.selected):
            return False
        return not _matches(diagnostic, self.ignored)


def _matches(diagnostic: Diagnostic, wanted: tuple[str, ...]) -> bool:
    parts = [part.strip() for text in wanted for part in text.split(",")]
    return any(part and (diagnostic.code.startswith(part.upper()) or diagnostic.rule == part.lower()) for part in parts)
