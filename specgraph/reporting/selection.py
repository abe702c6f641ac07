"""Which warnings and infos are reported: `select` and `ignore`, of a project or a command line."""

from __future__ import annotations

from collections.abc import Iterable

from specgraph.diagnostics.model import Diagnostic
from specgraph.diagnostics.rule import rule_modules
from specgraph.errors import CommandError
from specgraph.named_tuples import NamedTuple
from specgraph.reporting.project_config import SELECT, project_config


class Selection(NamedTuple):
    """Codes and prefixes of codes that are reported, all if there are none, and that are not. Errors
    always are."""

    selected: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def keeps(self, diagnostic: Diagnostic) -> bool:
        """Whether a diagnostic is reported."""
        if diagnostic.severity == "error":
            return True
        if self.selected and not diagnostic.code.startswith(self.selected):
            return False
        return not (self.ignored and diagnostic.code.startswith(self.ignored))


def selection_of_project(folder: str) -> Selection:
    """The selection of the project around a folder, for a reader who cannot be told what is wrong with it:
    without what means nothing; everything where the file cannot be read."""
    try:
        config = project_config(folder or ".")
    except (CommandError, OSError):
        return Selection()
    return Selection(*(tuple(_known(config.get(key, []))) for key in (SELECT, "ignore")))


def parse_codes(given: Iterable[str], flag: str) -> tuple[str, ...]:
    """Codes, and prefixes of codes, from texts of those and of names, with commas between. Raises
    `CommandError` for one that no rule has."""
    return tuple(code for part in _parts(given) for code in _codes(part, flag))


def _known(given: Iterable[str]) -> Iterable[str]:
    for part in _parts(given):
        try:
            yield from _codes(part, "")
        except CommandError:
            continue


def _parts(given: Iterable[str]) -> list[str]:
    return [stripped for text in given for part in text.split(",") if (stripped := part.strip())]


def _codes(part: str, flag: str) -> list[str]:
    known = rule_modules()
    if part.lower() in known.values():
        return [code for code, name in known.items() if name == part.lower()]
    if any(code.startswith(part.upper()) for code in known):
        return [part.upper()]
    from specgraph.diagnostics.names import nearest

    close = nearest(part, [*known.values()] if "-" in part else known)
    raise CommandError(f"{flag} {part}: there is no such rule", f"did you mean {close}?" if close else None)
