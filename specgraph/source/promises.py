"""What is offered as a fix is applied: a fix that would harm its file is taken back, and a note says why."""

from __future__ import annotations

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic
from specgraph.source.fixes import applicable_fix
from specgraph.source.harm import apply_harmless
from specgraph.source.shared import settle_shared
from specgraph.source.tree import Source

MOST_CHARACTERS = 200_000
MOST_FIXES = 200
"""Of larger files, or more fixes, the text with the fixes is not read again."""
LEVELS = ((False, False), (True, False), (True, True))
"""Whether unsafe fixes and changes of `expect` are applied."""


def keep_promises(source: Source, collector: Collector) -> None:
    """Take those fixes back that `apply_harmless` would leave out, and those that change what other places read."""
    before = [d for d in collector.diagnostics if any(_concerns(source, d))]
    if not before:
        return
    after = settle_shared(source, before)
    if len(source.text) <= MOST_CHARACTERS and len(after) <= MOST_FIXES:
        after = _without_harm(source, after)
    for old, new in zip(before, after, strict=True):
        if new is not old:
            collector.discard(old)
            collector.add([new])


def _concerns(source: Source, diagnostic: Diagnostic) -> list[bool]:
    return [edit.span.path == source.path for fix in diagnostic.fixes for edit in fix.edits]


def _without_harm(source: Source, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics without the fixes that are left out, at each level at which others are applied."""
    applied: list[list[object]] = []
    for unsafe, expect in LEVELS:
        while True:
            chosen = [applicable_fix(diagnostic, unsafe=unsafe, expect=expect) for diagnostic in diagnostics]
            if chosen in applied or not any(chosen):
                break
            applied.append([*chosen])
            left_out = apply_harmless(source, diagnostics, unsafe=unsafe, expect=expect).left_out
            if not left_out:
                break
            reasons = dict(left_out)
            diagnostics = [
                _without(diagnostic, unsafe, expect, reasons[diagnostic]) if diagnostic in reasons else diagnostic
                for diagnostic in diagnostics
            ]
    return diagnostics


def _without(diagnostic: Diagnostic, unsafe: bool, expect: bool, why: str) -> Diagnostic:
    harmful = applicable_fix(diagnostic, unsafe=unsafe, expect=expect)
    fixes = [fix for fix in diagnostic.fixes if fix is not harmful]
    note = f"no fix is offered, as {why}" if not fixes else f"one fix is not offered, as {why}"
    return diagnostic._replace(
        fix=fixes[0] if fixes else None, alternatives=tuple(fixes[1:]), notes=(*diagnostic.notes, note)
    )
