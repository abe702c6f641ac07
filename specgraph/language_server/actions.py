"""Code actions: a quick fix for every fix the checker offers, all safe ones at once, a suppression."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from lsprotocol import types

from specgraph.diagnostics.model import Applicability, Diagnostic, Edit, Fix
from specgraph.language_server.analysis import Analysis, analyse
from specgraph.language_server.positions import Encoding, Positions, uri_of
from specgraph.source.fixes import apply_fixes
from specgraph.source.harm import apply_harmless, find_harm
from specgraph.source.tree import Source

FIX_ALL = types.CodeActionKind.SourceFixAll
QUICK_FIX = types.CodeActionKind.QuickFix
MAX_ROUNDS = 10
MAX_SHOWN = 40
REMARKS: dict[Applicability, str] = {
    "safe": "",
    "unsafe": " (may change the meaning)",
    "expect": " (changes what is declared)",
}

Convert = Callable[[Diagnostic], types.Diagnostic]
Keeps = Callable[[Diagnostic], bool]


class Actions:
    """Code actions for one text, whose address is `uri`."""

    def __init__(self, analysis: Analysis, uri: str, encoding: Encoding, keeps: Keeps, convert: Convert) -> None:
        self.analysis = analysis
        self.uri = uri
        self.encoding = encoding
        self.keeps = keeps
        self.convert = convert

    def at(self, wanted: types.Range, only: Iterable[str] | None) -> list[types.CodeAction]:
        """The actions that concern a region; `only` limits them to some kinds."""
        actions: list[types.CodeAction] = []
        kept = [d for d in self.analysis.diagnostics if self.keeps(d)]
        if _wants(only, QUICK_FIX):
            for diagnostic in kept:
                if diagnostic.span.path == self.analysis.source.path and self._touches(diagnostic, wanted):
                    actions += self._of(diagnostic)
        if _wants(only, FIX_ALL) and any(d.fix is not None and d.fix.applicability == "safe" for d in kept):
            edit = self.fix_all()
            if edit is not None:
                actions.append(
                    types.CodeAction("Apply all safe fixes of specgraph", kind=FIX_ALL, edit=self._workspace([edit]))
                )
        return actions

    def _touches(self, diagnostic: Diagnostic, wanted: types.Range) -> bool:
        found = Positions(self.analysis.source, self.encoding).range(diagnostic.span)
        return _key(found.start) <= _key(wanted.end) and _key(wanted.start) <= _key(found.end)

    def _of(self, diagnostic: Diagnostic) -> list[types.CodeAction]:
        actions = [
            types.CodeAction(
                title=self._title(diagnostic, fix),
                kind=QUICK_FIX,
                diagnostics=[self.convert(diagnostic)],
                is_preferred=fix.applicability == "safe",
                edit=self._edit(fix.edits),
            )
            for fix in diagnostic.fixes
            if not self._harms(diagnostic, fix)
        ]
        suppression = self._suppression(diagnostic)
        if suppression is not None:
            actions.append(
                types.CodeAction(
                    title=f"Ignore {diagnostic.code} ({diagnostic.rule}) on this line",
                    kind=QUICK_FIX,
                    diagnostics=[self.convert(diagnostic)],
                    edit=self._workspace([suppression]),
                )
            )
        return actions

    def _harms(self, diagnostic: Diagnostic, fix: Fix) -> bool:
        """Whether a fix would do to its text what `--fix` does not write: see `find_harm`."""
        paths = {edit.span.path for edit in fix.edits}
        alone = diagnostic._replace(fix=fix, alternatives=())
        sources = (self.analysis.sources.get(path, self.analysis.source) for path in paths)
        return any(find_harm(source, apply_fixes(source, [alone], unsafe=True, expect=True)) for source in sources)

    def _title(self, diagnostic: Diagnostic, fix: Fix) -> str:
        edits = fix.edits
        title = ""
        if len(edits) == 1 and edits[0].span.line == edits[0].span.end_line:
            span, new = edits[0]
            line = self.analysis.source.lines[span.line - 1] if span.path == self.analysis.source.path else ""
            old = line[span.column - 1 : span.end_column - 1].strip()
            if "\n" not in new.strip() and len(old) <= MAX_SHOWN and len(new) <= MAX_SHOWN:
                verb = f"Replace `{old}` by `{new.strip()}`" if old and new.strip() else ""
                title = verb or (f"Remove `{old}`" if old else f"Insert `{new.strip()}`")
        if not title:
            said = fix.help or diagnostic.help or f"fix {diagnostic.rule}"
            title = said[:1].upper() + said[1:]
        return title + REMARKS[fix.applicability]

    def _edit(self, edits: Iterable[Edit]) -> types.WorkspaceEdit:
        changes: dict[str, list[types.TextEdit]] = {}
        for edit in edits:
            source = self.analysis.sources.get(edit.span.path, self.analysis.source)
            own = os.path.realpath(edit.span.path) == os.path.realpath(self.analysis.source.path)
            uri = self.uri if own else uri_of(edit.span.path)
            found = Positions(source, self.encoding).range(edit.span)
            changes.setdefault(uri, []).append(types.TextEdit(found, edit.text))
        return types.WorkspaceEdit(changes=changes)

    def _workspace(self, edits: list[types.TextEdit]) -> types.WorkspaceEdit:
        return types.WorkspaceEdit(changes={self.uri: edits})

    def _suppression(self, diagnostic: Diagnostic) -> types.TextEdit | None:
        """A comment that silences a warning on its line."""
        source = self.analysis.source
        if diagnostic.severity == "error" or source.format == "json" or diagnostic.rule == "unused-suppression":
            return None
        line = diagnostic.span.line
        positions = Positions(source, self.encoding)
        there = source.suppressions.get(line)
        if there is not None:
            at = positions.position(line, there.span.end_column - 1)
            text = f", {diagnostic.code}" if there.codes else diagnostic.code
            return types.TextEdit(types.Range(at, at), text)
        text = source.lines[line - 1]
        start = positions.position(line, len(text.rstrip()) + 1)
        end = positions.position(line, len(text) + 1)
        return types.TextEdit(types.Range(start, end), f"  # specgraph: ignore[{diagnostic.code}]")

    def fix_all(self) -> types.TextEdit | None:
        """One edit that applies all safe fixes of this text, and those that come up then."""
        source, diagnostics = self.analysis.source, self.analysis.diagnostics
        text = source.text
        current = source
        for _ in range(MAX_ROUNDS):
            fixed, _ = apply_harmless(current, [d for d in diagnostics if self.keeps(d)])
            if fixed.text == current.text:
                break
            text = fixed.text
            again = analyse(text, source.path, source.format)
            current, diagnostics = again.source, again.diagnostics
        return None if text == source.text else smallest_edit(source, text, self.encoding)


def smallest_edit(source: Source, text: str, encoding: Encoding = "utf-16") -> types.TextEdit:
    """The edit that turns a text into another, equal beginnings and ends left alone."""
    old = source.text
    start = next((i for i, (a, b) in enumerate(zip(old, text, strict=False)) if a != b), min(len(old), len(text)))
    most = min(len(old), len(text)) - start
    end = 0
    while end < most and old[len(old) - 1 - end] == text[len(text) - 1 - end]:
        end += 1
    if start and old[start - 1 : start + 1] == "\r\n":
        start -= 1
    if end and old[len(old) - end - 1 : len(old) - end + 1] == "\r\n":
        end -= 1
    span = source.span_of_offsets(start, len(old) - end)
    return types.TextEdit(Positions(source, encoding).range(span), text[start : len(text) - end])


def _wants(only: Iterable[str] | None, kind: str) -> bool:
    return only is None or any(kind == wanted or kind.startswith(f"{wanted}.") for wanted in only)


def _key(position: types.Position) -> tuple[int, int]:
    return position.line, position.character
