"""Applying fixes to text, by span: everything outside an edit stays as it is, byte for byte."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import NamedTuple

from specgraph.diagnostics.model import Diagnostic, Fix
from specgraph.escaping import for_line
from specgraph.source.tree import Source

LINE_END = re.compile(r"\r\n|\n|\r")


class Fixed(NamedTuple):
    """A text after fixes: `applied` are the diagnostics that were cured, `changes` the parts of the old text
    (from, to, and what stands there now) in order."""

    text: str
    applied: tuple[Diagnostic, ...]
    changes: tuple[tuple[int, int, str], ...] = ()

    def offset(self, before: int) -> int:
        """Where the character at an offset of the old text stands in the new one."""
        moved = (
            len(text) - (end - start) for start, end, text in self.changes if start < before or start == end == before
        )
        return before + sum(moved)


def applicable_fix(diagnostic: Diagnostic, *, unsafe: bool = False, expect: bool = False) -> Fix | None:
    """The first fix of a diagnostic that may be applied: unsafe ones and changes of `expect` if allowed."""
    allowed = ("safe", *(("unsafe",) if unsafe else ()), *(("expect",) if expect else ()))
    return next((fix for fix in diagnostic.fixes if fix.applicability in allowed), None)


def apply_fixes(
    source: Source, diagnostics: Iterable[Diagnostic], *, unsafe: bool = False, expect: bool = False
) -> Fixed:
    """The text of `source` with the fixes that concern it applied, unsafe ones and changes of `expect` if
    allowed.

    A fix is applied whole or not at all; of two that overlap, the first in the file wins (checking
    again offers the other). Line ends of inserted text are those of the line it is inserted in.
    """
    taken: list[tuple[int, int, str]] = []
    applied = []
    for diagnostic in diagnostics:
        fix = applicable_fix(diagnostic, unsafe=unsafe, expect=expect)
        if fix is None or any(edit.span.path != source.path for edit in fix.edits):
            continue
        edits = []
        for edit in fix.edits:
            start = source.offset(edit.span.line, edit.span.column)
            end = source.offset(edit.span.end_line, edit.span.end_column)
            text = edit.text.replace("\r\n", "\n")
            if "\n" in text:
                text = text.replace("\n", _line_end(source.text, start))
            edits.append((start, max(start, end), text))
        if all(_is_taken(edit, taken) for edit in edits):
            applied.append(diagnostic)
        elif not any(_overlaps(edit, taken) for edit in edits):
            for change in edits:
                insort(taken, change)
            applied.append(diagnostic)
    return _with_changes(source, taken, applied)


def _line_end(text: str, offset: int) -> str:
    """The characters that end the line of an offset; those of the line before if it is the last."""
    after = LINE_END.search(text, offset)
    if after is not None:
        return after[0]
    before = max(text.rfind("\n"), text.rfind("\r"))
    return "\r\n" if text[before - 1 : before + 1] == "\r\n" else text[before] if before >= 0 else "\n"


def _with_changes(source: Source, taken: list[tuple[int, int, str]], applied: list[Diagnostic]) -> Fixed:
    parts: list[str] = []
    last = 0
    for start, end, text in taken:
        parts += (source.text[last:start], text)
        last = end
    return Fixed("".join([*parts, source.text[last:]]), tuple(applied), tuple(taken))


def _is_taken(edit: tuple[int, int, str], taken: list[tuple[int, int, str]]) -> bool:
    place = bisect_left(taken, edit)
    return place < len(taken) and taken[place] == edit


def _overlaps(edit: tuple[int, int, str], taken: list[tuple[int, int, str]]) -> bool:
    """Whether an edit touches the same text, or begins at the same place, as one that is taken."""
    start, end, _ = edit
    place = bisect_left(taken, (start,))
    if place and taken[place - 1][1] > start:
        return True
    return place < len(taken) and (taken[place][0] == start or taken[place][0] < end)


def encode(source: Source, text: str) -> bytes:
    """The bytes of a changed text, with the byte-order mark the file had."""
    return ("\ufeff" if source.has_bom else "").encode() + text.encode()


def unified_diff(path: str, before: str, after: str) -> str:
    """The difference as `diff -u` prints it; empty if there is none."""
    from difflib import unified_diff as compare

    old, new = re.findall(r"[^\n]*\n|[^\n]+", before), re.findall(r"[^\n]*\n|[^\n]+", after)
    end = "\n\\ No newline at end of file\n"
    path = for_line(path.lstrip("/"))
    difference = compare(old, new, f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else line + end for line in difference)
