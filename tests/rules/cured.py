"""Cures in whole: a text with its errors fixed is the text that was meant."""

from __future__ import annotations

from specgraph.checking import Report
from specgraph.source.fixes import apply_fixes
from tests.helpers import check_text

Case = tuple[str, str, dict[str, str]]
"""The input's shape, the nodes, and what is written instead of what."""


def assert_cured(case: Case) -> tuple[Report, Report]:
    """The reports before and after all errors are fixed. The fixed text is the one that was meant, and right."""
    shape, nodes, changed = case
    text = wanted = f"specgraph: 1\ninputs: {{image: {shape}}}\nnodes:\n{nodes}"
    for before, after in changed.items():
        assert before in text
        wanted = wanted.replace(before, after)
    report = check_text(text)
    errors = [d for d in report.diagnostics if d.severity == "error"]
    assert errors
    fixed = apply_fixes(next(iter(report.sources.values())), errors, unsafe=True).text
    assert fixed == wanted, [d.help for d in report.diagnostics]
    found = check_text(fixed)
    assert found.ok
    return report, found
