"""Looks for the cure of each shape fault, verifies it, and puts it into the diagnostic."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from specgraph.cures.candidates import cures_of
from specgraph.cures.cure import Cure
from specgraph.cures.verify import Error, Outcome, Recheck, Verifier
from specgraph.cures.wording import change_of, cure_or_others, cured_before, declare_at_use, left_behind, words_of
from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic, Fix
from specgraph.elaboration.elaborate import Elaborator
from specgraph.elaboration.shape_trouble import ShapeTrouble
from specgraph.source.tree import Source

MAX_TROUBLES = 8
MAX_CANDIDATES = 12
MAX_CHECKS = 30
MAX_COMPARED = 4
"""Cures that leave a warning, before the one that leaves fewest is taken."""
MAX_CHECKED_NODES = 4000
MAX_CHECKED_CHARACTERS = 1_000_000


def offer_cures(elaborator: Elaborator, collector: Collector, source: Source, recheck: Recheck) -> None:
    """Give each shape fault of the file the smallest change that verifiably cures it, where one is found.

    `recheck` checks a changed text of the file, with the cures of the faults before this one. A cure is
    offered where its fault is gone, at every instance of the node as written, and no other error has come
    up; it is an unsafe fix, as only the author knows what was meant.
    """
    errors = {(d.rule, d.node): d for d in collector.diagnostics if d.severity == "error"}
    checks = min(
        MAX_CHECKS,
        MAX_CHECKED_NODES // max(1, elaborator.expanded),
        MAX_CHECKED_CHARACTERS // max(1, len(source.text)),
    )
    verifier = Verifier(elaborator, source, recheck, list(errors.values()))
    last: tuple[Diagnostic, Cure] | None = None
    wrong = {trouble.path for trouble in elaborator.state.troubles if trouble.expected is not None}
    for trouble in elaborator.state.troubles[:MAX_TROUBLES]:
        fault = errors.get((trouble.rule, trouble.reported))
        if fault is None or trouble.definition is None or trouble.definition.source is not source:
            continue
        if last is not None and checks > 0:
            checks -= 1
            earlier, cause = last
            after = verifier.outcome(fault, earlier)
            if not (after.stays or after.moved):
                collector.discard(fault)
                collector.add([fault._replace(fix=earlier.fix, help=cured_before(cause))])
                continue
        chosen, checks = _choose(trouble, fault, cures_of(trouble, elaborator, frozenset(wrong)), verifier, checks)
        if chosen:
            left = verifier.drawn(*chosen[0])
            chosen_cures = [cure for cure, _ in chosen]
            cured = _with_cures(fault, chosen_cures, trouble.expected is not None)
            if left:
                cured = cured._replace(notes=(*cured.notes, left_behind(left)))
            collector.discard(fault)
            collector.add([cured])
            verifier.accepted.append(cured)
            last = (cured, chosen_cures[0])
            wrong.discard(trouble.path)
        elif fault.fix is not None:
            checks -= 1
            if checks >= 0 and verifier.outcome(fault, fault).moved:
                collector.discard(fault)
                collector.add([fault._replace(fix=None, help=declare_at_use())])


def _choose(
    trouble: ShapeTrouble, fault: Diagnostic, cures: Iterator[Cure], verifier: Verifier, checks: int
) -> tuple[list[tuple[Cure, Outcome]], int]:
    """The cure to offer and what it leaves, with others that make a declared shape come out as well, and how many of
    `checks` are left.

    Of cures that leave no error, the first that leaves no warning either; else the one that leaves fewest.
    A cure that brings errors to light further on is offered only where none does without.
    """
    clean: list[tuple[Cure, Outcome]] = []
    revealing: tuple[Cure, Outcome] | None = None
    for cure in islice(cures, MAX_CANDIDATES):
        if checks <= 0:
            break
        if any(edit.span.path != verifier.source.path for edit in cure.edits):
            continue
        if cure.absolute and any(map(verifier.is_shared, cure.edits)):
            continue
        if clean and not clean[0][1].warnings and not _is_alternative(cure, clean[0][0]):
            continue
        checks -= 1
        if cure.weak:
            checks -= 1
            if fault.fix is None or verifier.outcome(fault, fault).left <= verifier.errors:
                break
        after = verifier.outcome(fault, fault._replace(fix=Fix("unsafe", cure.edits)))
        if after.stays or after.moved:
            continue
        reveals = verifier.only_reveals(after.left)
        if after.left <= verifier.errors or (cure.certain and reveals):
            if clean and not clean[0][1].warnings and after.warnings:
                break
            clean.append((cure, after))
            clean.sort(key=lambda entry: entry[1].warnings)
            enough = trouble.expected is None or len(clean) > 1 or cure.weak or checks < MAX_CHECKS // 2
            if cure.certain or len(clean) >= MAX_COMPARED or (enough and not clean[0][1].warnings):
                break
        elif revealing is None and reveals and not _declares_otherwise(after.left - verifier.errors):
            revealing = (cure, after)
    if clean:
        best = [entry for entry in clean if entry[1].warnings == clean[0][1].warnings]
        others = [e for e in best[1:] if trouble.expected is not None and _is_alternative(e[0], best[0][0])]
        return [best[0], *others[:1]], checks
    return ([] if revealing is None else [revealing]), checks


def _is_alternative(cure: Cure, first: Cure) -> bool:
    """Whether a cure changes another place than the first one does, and no kernel."""
    places = {(change.path, change.argument) for change in first.arguments}
    return (
        not cure.weak
        and not cure.parts
        and bool(cure.arguments)
        and not any(change.argument == "kernel_size" for change in cure.arguments)
        and {change.path for change in cure.arguments}.isdisjoint(path for path, _ in places)
    )


def _with_cures(fault: Diagnostic, chosen: list[Cure], declared: bool) -> Diagnostic:
    """A fault with its cure, the others that would do, and the fix that it had: a change of what is declared."""
    first, *others = chosen
    alternatives = [Fix("unsafe", cure.edits, words_of(cure)) for cure in others]
    said = [change_of(cure) for cure in others]
    if declared and fault.help is not None:
        said.append(fault.help)
        if fault.fix is not None:
            alternatives.append(fault.fix._replace(help=fault.help))
    fix = Fix("unsafe", first.edits, words_of(first) if alternatives else None)
    return fault._replace(fix=fix, help=cure_or_others(first, said), alternatives=tuple(alternatives))


def _declares_otherwise(new: frozenset[Error]) -> bool:
    """Whether a declared shape differs once a cure is applied, which is a reason against the cure, or an error
    that it brings to light names no node."""
    return any(rule == "declared-shape-mismatch" or node is None for rule, node in new)
