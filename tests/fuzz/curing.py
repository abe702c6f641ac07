"""Applies every fix that a mutant is offered, one at a time, and says what it leaves without saying so."""

from __future__ import annotations

from functools import cache

from specgraph.diagnostics.model import Diagnostic, Fix
from specgraph.source.fixes import apply_fixes
from specgraph.source.harm import find_harm
from specgraph.source.tree import Source
from tests.fuzz.base import Base, Mutant
from tests.fuzz.json_form import json_lines
from tests.fuzz.judge import checked

OF_THE_MUTANT = frozenset(
    {"dead-branch", "unused-input", "unused-variable", "unused-block", "unused-argument", "unused-suppression"}
)
"""Warnings that the inserted lines draw whatever they say: nothing reads them."""
RECIPES = "SG5"
"""Recipes are compared with the network once it is right: what they say of the inserted lines is no cure's doing."""
Problem = tuple[str, str | None]


def problems(base: Base, mutant: Mutant) -> list[str]:
    """What is wrong with the fixes of a mutant's errors: one line each."""
    path = base.path.with_suffix(f".{mutant.ending}")
    report = checked(mutant.text, path, cures=True)
    errors = [d for d in report.diagnostics if d.severity == "error"]
    source = report.sources[str(path)]
    found = []
    for error in errors:
        for fix in error.fixes:
            wrong = _wrong(base, mutant, source, error, fix, errors)
            if wrong is not None:
                found.append(f"{base.path.name}: {mutant.kind}: {error.code} {error.message}: {error.help}: {wrong}")
    return found


def _wrong(
    base: Base, mutant: Mutant, source: Source, error: Diagnostic, fix: Fix, errors: list[Diagnostic]
) -> str | None:
    if any(edit.span.path != source.path for edit in fix.edits):
        return None
    fixed = apply_fixes(source, [error._replace(fix=fix, alternatives=())], unsafe=True, expect=True)
    harm = find_harm(source, fixed)
    if harm is not None:
        return f"left out: {harm}"
    after = checked(fixed.text, base.path.with_suffix(f".{mutant.ending}")).diagnostics
    said = " ".join([error.help or "", fix.help or "", *error.notes])
    if any((d.rule, d.node, d.message) == (error.rule, error.node, error.message) for d in after):
        return "it is still there"
    others = {(d.rule, d.node) for d in errors if d is not error}
    for left in after:
        if left.code in said or left.code.startswith(RECIPES) or (left.rule, left.node) in others:
            continue
        if left.severity == "error" and not _is_meant(error, left):
            return f"it leaves {left.code} {left.message}"
        if left.severity == "warning" and left.rule not in OF_THE_MUTANT and not _was_there(base, mutant, left):
            return f"it draws {left.code} {left.message}"
    return None


def _is_meant(error: Diagnostic, left: Diagnostic) -> bool:
    """Whether a fault of the text hid one of its meaning: what could not be read is read now."""
    return error.code.startswith("SG1") and not left.code.startswith("SG1")


def _was_there(base: Base, mutant: Mutant, warning: Diagnostic) -> bool:
    inserted = (warning.node or "").startswith("zz") and warning.rule == "consecutive-linear"  # as it was inserted
    return inserted or (warning.rule, warning.node) in _of_base(base, mutant.ending)


@cache
def _of_base(base: Base, ending: str) -> frozenset[Problem]:
    text = base.text if ending == "yaml" else "\n".join(json_lines(base))  # JSON has no suppressions
    return frozenset((d.rule, d.node) for d in checked(text, base.path.with_suffix(f".{ending}")).diagnostics)
