"""What a fix may not do to a file: make it unreadable, write a name twice, lose an anchor, an alias or a comment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from typing import Any, NamedTuple

import yaml

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic
from specgraph.source.fixes import Fixed, apply_fixes
from specgraph.source.read import read_text
from specgraph.source.tree import Source
from specgraph.source.yaml_reader import without_old_line_breaks

COMMENT = re.compile(r"(?:(?<=[ \t])|(?<![^\r\n]))#[^\r\n]*")
ANCHOR = re.compile(r"(&[^\s,\[\]{}]+) ")
MOST_PAIRS = 24
"""Of so many fixes of a file each pair is tried."""


class LeftOut(NamedTuple):
    """A fix that is not applied, and why."""

    diagnostic: Diagnostic
    why: str


class Harmless(NamedTuple):
    """A text with those fixes applied that harm nothing, and the others."""

    fixed: Fixed
    left_out: tuple[LeftOut, ...]


def apply_harmless(
    source: Source, diagnostics: Iterable[Diagnostic], *, unsafe: bool = False, expect: bool = False
) -> Harmless:
    """`apply_fixes`, without the fixes that would harm the text: alone, or one with another."""

    def apply(chosen: Iterable[Diagnostic]) -> Fixed:
        return apply_fixes(source, chosen, unsafe=unsafe, expect=expect)

    fixed = apply(diagnostics)
    why = find_harm(source, fixed)
    if why is None:
        return Harmless(fixed, ())
    left_out = {diagnostic: harm for diagnostic in fixed.applied if (harm := find_harm(source, apply([diagnostic])))}
    kept = [diagnostic for diagnostic in fixed.applied if diagnostic not in left_out]
    if len(kept) <= MOST_PAIRS and find_harm(source, apply(kept)):
        for pair in combinations(kept, 2):
            harm = find_harm(source, apply(pair))
            left_out.update(dict.fromkeys(pair, harm) if harm else {})
        kept = [diagnostic for diagnostic in kept if diagnostic not in left_out]
    chosen: list[Diagnostic] = []
    for diagnostic in kept if find_harm(source, apply(kept)) else ():
        harm = find_harm(source, apply([*chosen, diagnostic]))
        if harm:
            left_out[diagnostic] = harm
        else:
            chosen.append(diagnostic)
    kept = [diagnostic for diagnostic in kept if diagnostic not in left_out]
    in_order = [diagnostic for diagnostic in fixed.applied if diagnostic in left_out]
    return Harmless(apply(kept), tuple(LeftOut(diagnostic, left_out[diagnostic]) for diagnostic in in_order))


def find_harm(source: Source, fixed: Fixed) -> str | None:
    """What changes do to a text that they may not, as the end of a sentence; None where nothing."""
    if fixed.text == source.text:
        return None
    before, after = _faults(source, source.text), _faults(source, fixed.text)
    for code, count in after.items():
        if count > before[code]:
            return "the file would have a key twice" if code == "SG104" else "the file could not be read any more"
    if source.format == "json":
        return None
    marks, readable = _marks(source.text)
    kept = _expected_marks(marks, fixed)
    found = [(mark.kind, mark.text) for mark in _marks(fixed.text).marks]
    remaining = iter(found)
    if kept == found or (not readable and all(mark in remaining for mark in kept)):
        return None
    lost = Counter(kept)
    lost.subtract(found)
    kind, text = next((mark for mark, count in lost.items() if count > 0), ("order", ""))
    return f"the {kind} {text} would be lost" if text else "anchors, aliases and comments would change places"


def _expected_marks(marks: list[_Mark], fixed: Fixed) -> list[tuple[str, str]]:
    """Kind and text of the marks that a changed text should have: those of the old one, but for what was taken out, an
    alias that a value replaces, and an anchor that moves. Of a text that cannot be read more may come to light."""
    written = [(start, end, found[1] if (found := ANCHOR.match(new)) else "") for start, end, new in fixed.changes]
    removed = [(start, end) for start, end, new in fixed.changes if not new]
    moving = {name for _, _, name in written if name}
    replaced = {(start, end) for start, end, _ in written}
    kept = []
    for mark in marks:
        if any(start <= mark.offset < end for start, end in removed):
            continue
        if mark.kind == "alias" and (mark.offset, mark.offset + len(mark.text)) in replaced:
            continue
        if mark.kind == "anchor" and mark.text in moving and any(start == mark.offset < end for start, end in replaced):
            continue
        kept.append(mark)
    kept += [_Mark("anchor", name, start) for start, _, name in written if name]
    return [(mark.kind, mark.text) for mark in sorted(kept, key=lambda mark: mark.offset)]


def _faults(source: Source, text: str) -> Counter[str]:
    """How often each fault of reading is in a text."""
    collector = Collector()
    read_text(text, source.path, collector, source.format)
    return Counter(diagnostic.code for diagnostic in collector.diagnostics if diagnostic.severity == "error")


class _Mark(NamedTuple):
    kind: str
    text: str
    offset: int


class _Marks(NamedTuple):
    marks: list[_Mark]
    readable: bool


def _marks(text: str) -> _Marks:
    """Anchors, aliases and comments of a YAML text, in order; of one that is not `readable`, the anchors and aliases
    before the fault."""
    text, _ = without_old_line_breaks(text)
    marks: list[_Mark] = []
    readable = True
    scalars: list[tuple[int, int]] = []
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        while (event := loader.get_event()) is not None:
            anchor = getattr(event, "anchor", None)
            start = event.start_mark.index
            if anchor is not None:
                is_alias = isinstance(event, yaml.AliasEvent)
                marks.append(_Mark("alias" if is_alias else "anchor", f"{'*' if is_alias else '&'}{anchor}", start))
            if isinstance(event, yaml.ScalarEvent) and "#" in event.value:
                scalars.append((start, event.end_mark.index))
            if isinstance(event, yaml.StreamEndEvent):
                break
    except yaml.YAMLError:
        readable = False
    finally:
        loader.dispose()
    position = 0
    for match in COMMENT.finditer(text) if "#" in text else ():
        while position < len(scalars) and scalars[position][1] <= match.start():
            position += 1
        if position == len(scalars) or match.start() < scalars[position][0]:
            marks.append(_Mark("comment", match[0].rstrip(), match.start()))
    return _Marks(sorted(marks, key=lambda mark: mark.offset), readable)
