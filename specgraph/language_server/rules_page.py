"""The page that explains the rules, as a file that an editor can open from a diagnostic's code."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from specgraph.atomic_files import write_atomically
from specgraph.diagnostics.rule import rule_modules
from specgraph.errors import CommandError
from specgraph.language_server.positions import uri_of
from specgraph.version import __version__


@cache
def _page() -> str | None:
    """Path of the page, written once for each version; None where nothing can be written."""
    from specgraph.reporting.rules_page import rules_page

    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(base, "specgraph")
    path = os.path.join(folder, f"rules-{__version__}.md")
    text = rules_page()
    try:
        os.makedirs(folder, exist_ok=True)
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return path
    except (OSError, UnicodeDecodeError):
        pass
    try:
        write_atomically(Path(path), text)
    except CommandError:
        return None
    return path


def rule_uri(code: str) -> str | None:
    """Address of a rule on the page, or None where there is no page."""
    path = _page()
    name = rule_modules().get(code)
    return None if path is None or name is None else f"{uri_of(path)}#{code.lower()}-{name}"
