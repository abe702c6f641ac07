"""Looks for the cure of each shape fault, verifies it, and puts it into the diagnostic."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from specgraph.cures.candidates import cures_of
from specgraph.cures.cure import Cure
from specgraph.cures.verify import Error, Recheck, Verifier
from specgraph.cures.wording import cure_or_other, cured_before, declare_at_use
from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic, Fix
from specgraph.elaboration.elaborate import Elaborator
from specgraph.source.tree import Source

MAX_TROUBLES = 8
MAX_CANDIDATES = 12
MAX_CHECKS = 30
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
                collector.add([replace(fault, fix=earlier.fix, help=cured_before(cause))])
                continue
        second_best: Cure | None = None
        found: Cure | None = None
        for cure in islice(cures_of(trouble, elaborator, frozenset(wrong)), MAX_CANDIDATES):
            if checks <= 0:
                break
            if any(edit.span.path != source.path for edit in cure.edits):
                continue
            if cure.absolute and any(map(verifier.is_shared, cure.edits)):
                continue
            checks -= 1
            if cure.weak:
                checks -= 1
                if fault.fix is None or verifier.outcome(fault, fault).left <= verifier.errors:
                    break
            after = verifier.outcome(fault, replace(fault, fix=Fix("unsafe", cure.edits)))
            if after.stays or after.moved:
                continue
            revealing = verifier.only_reveals(after.left)
            if after.left <= verifier.errors or (cure.certain and revealing):
                found = cure
                break
            if second_best is None and revealing and not _declares_otherwise(after.left - verifier.errors):
                second_best = cure
        found = found or second_best
        if found is not None:
            help = cure_or_other(found, fault.help if trouble.expected is not None else None)
            cured = replace(fault, fix=Fix("unsafe", found.edits), help=help)
            collector.discard(fault)
            collector.add([cured])
            verifier.accepted.append(cured)
            last = (cured, found)
            wrong.discard(trouble.path)
        elif fault.fix is not None:
            checks -= 1
            if checks >= 0 and verifier.outcome(fault, fault).moved:
                collector.discard(fault)
                collector.add([replace(fault, fix=None, help=declare_at_use())])
            else:
                verifier.accepted.append(fault)


def _declares_otherwise(new: frozenset[Error]) -> bool:
    """Whether a declared shape differs once a cure is applied, which speaks against the cure, or an error
    that it brings to light names no node."""
    return any(rule == "declared-shape-mismatch" or node is None for rule, node in new)
