"""Reporting the faults of a spec's recipes where they are written. Imports no PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specgraph.training.recipe_faults import Finding, find_faults

if TYPE_CHECKING:
    from specgraph.diagnostics.lint import Lint
    from specgraph.spec.values import Written

OF_CLASSES = ("too-few-classes", "unused-classes")


def check_recipes(lint: Lint) -> None:
    """Run the rules SG5xx on every recipe of a graph.

    With variables set from outside (`--set classes=2 --data DIR`) the classes of the recipe's own data
    are only information: training looks at the data it really gets.
    """
    overridden = any(
        written.constant and written.value != lint.graph.vars.get(name)
        for name, (_, written) in lint.document.vars.items()
    )
    for name, recipe in lint.graph.recipes.items():
        entry = lint.document.recipes.get(name)
        if entry is not None:
            for finding in find_faults(lint.graph, recipe):
                report_finding(lint, finding, name, entry[1], overridden and finding.rule in OF_CLASSES)


def report_finding(lint: Lint, finding: Finding, name: str, written: Written, informs: bool) -> None:
    """Report at the innermost part of the recipe that is written out."""
    place = written.part(finding.path)
    whole = place is written
    span = lint.document.recipes[name][0]
    lint.report(
        finding.rule,
        f"recipe `{name}`: {finding.message}",
        written.source.span(span) if whole else place.span,
        notes=finding.notes,
        help=finding.help,
        severity="info" if informs else None,
    )
