"""`--fix`, `--unsafe-fixes`, `--fix-expect`, `--diff`: fixes applied until nothing more changes."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from specgraph.atomic_files import rewrite
from specgraph.diagnostics.model import Diagnostic
from specgraph.errors import CommandError
from specgraph.escaping import for_line
from specgraph.reporting.findings import Findings, plural
from specgraph.source.fixes import applicable_fix, encode, unified_diff
from specgraph.source.harm import apply_harmless
from specgraph.source.read import STDIN, overlaid
from specgraph.source.tree import Source

MAX_ROUNDS = 20
_Identity = tuple[str, str, str | None, str]
Check = Callable[[str], tuple[list[Diagnostic], dict[str, Source]]]


def fix_specs(
    specs: list[str], args: argparse.Namespace, check: Check, keeps: Callable[[Diagnostic], bool]
) -> Findings:
    """Apply fixes to the files of the specs, included ones too, and say how many on standard error.
    Returns what was found before.

    Files are written once, at the end. With `--diff` they stay as they are and the differences are
    printed. Raises `CommandError` for standard input without `--diff`.
    """
    if "-" in specs and not args.diff:
        raise CommandError("standard input cannot be fixed in place", "--diff shows what would change")
    originals: dict[str, Source] = {}
    latest: dict[str, Source] = {}
    contents: dict[str, bytes] = {}
    if "-" in specs:
        contents["-"] = sys.stdin.buffer.read()
    counted = _Count(0, 0)
    found: list[Diagnostic] = []
    left_out: dict[str, None] = {}
    with overlaid(contents):
        for spec in specs:
            of_spec = _fix_spec(spec, args, check, keeps, originals, latest, contents, found, left_out)
            counted = _Count(counted.found + of_spec.found, counted.uncovered + of_spec.uncovered)
    for path, source in latest.items():
        if args.diff:
            sys.stdout.write(unified_diff(path, originals[path].text, source.text))
        else:
            rewrite(Path(os.path.realpath(path)), encode(source, source.text))
    for line in left_out:
        print(line, file=sys.stderr)
    verb = "would fix" if args.diff else "fixed"
    where = f" in {plural(len(latest), 'file')}" if latest else ""
    more = f", and {plural(counted.uncovered, 'problem')} that came to light" if counted.uncovered else ""
    print(f"{verb} {plural(counted.found, 'problem')}{where}{more}", file=sys.stderr)
    return Findings(specs, found, originals)


class _Count(NamedTuple):
    """Problems that are gone: of those that `check` reported with a fix, and those that only the fixes uncovered."""

    found: int
    uncovered: int


class _Undo(NamedTuple):
    """Where a round began."""

    contents: dict[str, bytes]
    latest: dict[str, Source]
    applied: list[Diagnostic]


def _identity(diagnostic: Diagnostic) -> _Identity:
    """What stays the same of a problem while other lines of its file change."""
    return diagnostic.span.path, diagnostic.rule, diagnostic.node, diagnostic.message


def _still_standing(diagnostics: list[Diagnostic], tried: dict[_Identity, int]) -> set[_Identity]:
    """The problems that are there as often as before their fixes were applied."""
    counts = Counter(map(_identity, diagnostics))
    return {identity for identity, count in tried.items() if counts[identity] >= count}


def _is_taken_out(diagnostic: Diagnostic, args: argparse.Namespace) -> bool:
    """Whether a fix takes away the very place of its problem, so that this one cannot be there any more."""
    fix, span = applicable_fix(diagnostic, unsafe=args.unsafe_fixes, expect=args.fix_expect), diagnostic.span
    first, last = (span.line, span.column), (span.end_line, span.end_column)
    return fix is not None and any(
        not edit.text
        and (edit.span.line, edit.span.column) <= first
        and last <= (edit.span.end_line, edit.span.end_column)
        and edit.span.path == span.path
        for edit in fix.edits
    )


def _said(diagnostic: Diagnostic, why: str) -> str:
    span = diagnostic.span
    return f"{for_line(span.path)}:{span.line}:{span.column}: the fix of {diagnostic.code} is left out: {for_line(why)}"


def _fix_spec(
    spec: str,
    args: argparse.Namespace,
    check: Check,
    keeps: Callable[[Diagnostic], bool],
    originals: dict[str, Source],
    latest: dict[str, Source],
    contents: dict[str, bytes],
    found: list[Diagnostic],
    left_out: dict[str, None],
) -> _Count:
    """Fix one spec and what it includes, round after round; returns how many problems are gone. Where the
    text of an earlier round comes back, the fixes since then undo each other and are left out. So are fixes that
    would harm the file, and those after which their problem still stands."""
    applied: list[Diagnostic] = []
    before: list[tuple[dict[str, str], list[Diagnostic]]] = []
    refused: set[_Identity] = set()
    tried: dict[_Identity, int] = {}
    undo: _Undo | None = None
    first: list[Diagnostic] = []
    curable: list[Diagnostic] = []
    kept: list[Diagnostic] = []
    for number in range(MAX_ROUNDS):
        diagnostics, sources = check(spec)
        kept = [diagnostic for diagnostic in diagnostics if keeps(diagnostic)]
        if number == 0:
            found += kept
            first = kept
            curable = [
                d for d in kept if applicable_fix(d, unsafe=args.unsafe_fixes, expect=args.fix_expect) is not None
            ]
        standing = _still_standing(kept, tried)
        if standing and undo is not None:
            contents.clear()
            contents.update(undo.contents)
            latest.clear()
            latest.update(undo.latest)
            applied = undo.applied
            before.pop()
            refused |= standing
            tried = {}
            undo = None
            for diagnostic in kept:
                if _identity(diagnostic) in standing:
                    left_out[_said(diagnostic, "its problem would still be there")] = None
            continue
        offered = [diagnostic for diagnostic in kept if _identity(diagnostic) not in refused]
        texts = {path: source.text for path, source in sources.items()}
        earlier = next((done for known, done in before if known == texts), None)
        if earlier is not None:
            applied = earlier
            break
        before.append((texts, applied))
        changed = False
        undo = _Undo(dict(contents), dict(latest), applied)
        tried = {}
        for path, source in sources.items():
            fixed, harmful = apply_harmless(source, offered, unsafe=args.unsafe_fixes, expect=args.fix_expect)
            for diagnostic, why in harmful:
                left_out[_said(diagnostic, why)] = None
            for diagnostic in fixed.applied:
                if _is_taken_out(diagnostic, args):
                    continue  # of a list the next entry takes its name, and perhaps its problem
                identity = _identity(diagnostic)
                tried[identity] = tried.get(identity, 0) + 1
            if fixed.text == source.text:
                continue
            original = originals.setdefault(path, source)
            latest[path] = Source(path, fixed.text, source.format, source.has_bom)
            contents["-" if path == STDIN else os.path.realpath(path)] = encode(source, fixed.text)
            if fixed.text == original.text:
                del latest[path]
            applied = [*applied, *fixed.applied]
            changed = True
        if not changed:
            break
    return _count(first, curable, applied, kept)


def _count(
    first: list[Diagnostic], curable: list[Diagnostic], applied: list[Diagnostic], left: list[Diagnostic]
) -> _Count:
    """Of the `curable` problems among the `first`, those that are not among what is `left`; of the fixes that were
    applied, those of other problems."""
    if not applied:
        return _Count(0, 0)
    with_fix = Counter(map(_fault, curable))
    gone = sum((with_fix & (Counter(map(_fault, first)) - Counter(map(_fault, left)))).values())
    uncovered = sum((Counter(map(_fault, applied)) - with_fix).values())
    of_rules = Counter(map(_kind, applied)) - Counter(map(_kind, curable))  # in a list, nodes take others' names
    return _Count(gone, min(uncovered, sum(of_rules.values())))


def _fault(diagnostic: Diagnostic) -> tuple[str, str, str | None]:
    """What stays the same of a problem, other words for it aside."""
    return diagnostic.span.path, diagnostic.rule, diagnostic.node


def _kind(diagnostic: Diagnostic) -> tuple[str, str]:
    return diagnostic.span.path, diagnostic.rule
