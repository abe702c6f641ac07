"""What checking found, as the page shows it: as `check --format json` prints it, with what each fix changes."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

from specgraph.diagnostics.model import Diagnostic, Fix
from specgraph.reporting.formats.json_format import diagnostic_json
from specgraph.source.fixes import apply_fixes
from specgraph.source.harm import find_harm
from specgraph.source.tree import Source

CONTEXT = 2
"""Lines shown around a change."""


def emit_finding(diagnostic: Diagnostic, sources: Mapping[str, Source]) -> dict[str, Any]:
    """One diagnostic as plain data. `cures` are its fixes, the one to choose first, each with what it changes:
    `changes` with the first `line` shown and `rows` of a sign (`-`, `+` or a space) and a line of text."""
    found = diagnostic_json(diagnostic)
    cures = []
    for fix in diagnostic.fixes:
        source = sources.get(fix.edits[0].span.path) if fix.edits else None
        if source is not None:
            cures.append(
                {
                    "applicability": fix.applicability,
                    "help": fix.help or diagnostic.help,
                    "changes": changed_lines(source, diagnostic, fix),
                }
            )
    if cures:
        found["cures"] = cures
    return found


def fixed_text(source: Source, diagnostic: Diagnostic, fix: Fix) -> str | None:
    """A text with one fix of a diagnostic applied; None where it does not apply, or harms it."""
    alone = diagnostic._replace(fix=fix, alternatives=())
    fixed = apply_fixes(source, [alone], unsafe=True, expect=True)
    return fixed.text if fixed.applied and find_harm(source, fixed) is None else None


def changed_lines(source: Source, diagnostic: Diagnostic, fix: Fix) -> dict[str, Any]:
    """What a fix of a diagnostic does to the lines of a text, those around its edits alone."""
    first = max(1, min(edit.span.line for edit in fix.edits) - CONTEXT)
    last = max(edit.span.end_line for edit in fix.edits) + CONTEXT
    old = source.text.split("\n")
    new = (fixed_text(source, diagnostic, fix) or source.text).split("\n")
    before = old[first - 1 : last]
    after = new[first - 1 : last + len(new) - len(old)]
    rows: list[list[str]] = []
    for tag, from_old, to_old, from_new, to_new in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            rows += [[" ", line.rstrip("\r")] for line in before[from_old:to_old]]
        else:
            rows += [["-", line.rstrip("\r")] for line in before[from_old:to_old]]
            rows += [["+", line.rstrip("\r")] for line in after[from_new:to_new]]
    return {"path": source.path, "line": first, "rows": rows}
