"""`--fix`, `--unsafe-fixes`, `--fix-expect`, `--diff`: fixes applied until nothing more changes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from specgraph.atomic_files import write_atomically
from specgraph.diagnostics.model import Diagnostic
from specgraph.errors import CommandError
from specgraph.reporting.findings import Findings, plural
from specgraph.source.fixes import apply_fixes, encode, unified_diff
from specgraph.source.read import STDIN, overlaid
from specgraph.source.tree import Source

MAX_ROUNDS = 20
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
    num_applied = 0
    found: list[Diagnostic] = []
    with overlaid(contents):
        for spec in specs:
            num_applied += _fix_spec(spec, args, check, keeps, originals, latest, contents, found)
    for path, source in latest.items():
        if args.diff:
            sys.stdout.write(unified_diff(path, originals[path].text, source.text))
        else:
            write_atomically(Path(os.path.realpath(path)), encode(source, source.text))
    verb = "would fix" if args.diff else "fixed"
    where = f" in {plural(len(latest), 'file')}" if latest else ""
    print(f"{verb} {plural(num_applied, 'problem')}{where}", file=sys.stderr)
    return Findings(specs, found, originals)


def _fix_spec(
    spec: str,
    args: argparse.Namespace,
    check: Check,
    keeps: Callable[[Diagnostic], bool],
    originals: dict[str, Source],
    latest: dict[str, Source],
    contents: dict[str, bytes],
    found: list[Diagnostic],
) -> int:
    """Fix one spec and what it includes, round after round; returns how many problems that took. Where the
    text of an earlier round comes back, the fixes since then undo each other and are left out."""
    num_applied = 0
    before: list[tuple[dict[str, str], int]] = []
    for number in range(MAX_ROUNDS):
        diagnostics, sources = check(spec)
        kept = [diagnostic for diagnostic in diagnostics if keeps(diagnostic)]
        if number == 0:
            found += kept
        texts = {path: source.text for path, source in sources.items()}
        earlier = next((applied for known, applied in before if known == texts), None)
        if earlier is not None:
            return earlier
        before.append((texts, num_applied))
        changed = False
        for path, source in sources.items():
            fixed = apply_fixes(source, kept, unsafe=args.unsafe_fixes, expect=args.fix_expect)
            if fixed.text == source.text:
                continue
            original = originals.setdefault(path, source)
            latest[path] = Source(path, fixed.text, source.format, source.has_bom)
            contents["-" if path == STDIN else os.path.realpath(path)] = encode(source, fixed.text)
            if fixed.text == original.text:
                del latest[path]
            num_applied += len(fixed.applied)
            changed = True
        if not changed:
            break
    return num_applied
