"""Whether a change of the text cures a fault: the changed text is checked, and what is left is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from specgraph.cures.cure import Cure
from specgraph.diagnostics.model import Diagnostic, Edit, Span
from specgraph.elaboration.elaborate import Elaborator
from specgraph.language.document import NodeDef
from specgraph.source.fixes import apply_fixes
from specgraph.source.shared import settle_shared
from specgraph.source.tree import Source, Tree

Recheck = Callable[[str], list[Diagnostic]]
Error = tuple[str, str | None]
"""Rule and node of an error."""
DEAD_BRANCH = "dead-branch"
RECIPES = "SG5"
"""Recipes are compared with the network only once it has no errors: what is wrong there is no new fault."""


class Outcome(NamedTuple):
    """What a changed text still has: its errors, its warnings, and whether the fault is among them, of its
    node or, with `moved`, at the same place of another instance. `found` are all of these, recipes' aside."""

    left: frozenset[Error]
    warnings: int
    stays: bool
    moved: bool
    found: tuple[Diagnostic, ...]


class Verifier:
    """Checks changed texts of one file. `accepted` are the faults whose cures are applied to all of them."""

    def __init__(self, elaborator: Elaborator, source: Source, recheck: Recheck, errors: list[Diagnostic]) -> None:
        self.source = source
        self.recheck = recheck
        self.errors = frozenset((error.rule, error.node) for error in errors)
        self.accepted: list[Diagnostic] = []
        self.known = {prefix for path in elaborator.nodes for prefix in _with_scopes(path)}
        self.hidden = frozenset((trouble.rule, trouble.reported) for trouble in elaborator.state.troubles)
        """Faults that were met; of those at one place only the first is reported."""
        owners = (*elaborator.paths.nodes.values(), *elaborator.paths.containers.values())
        uses = Counter(id(definition) for definition in owners if definition is not None)
        self.shared = [d for d in dict.fromkeys(filter(None, owners)) if uses[id(d)] > 1 and d.source is source]

    def outcome(self, fault: Diagnostic, changed: Diagnostic) -> Outcome:
        """What is left of `fault`, and of everything else, once the fix of `changed` is applied."""
        settled = settle_shared(self.source, [*self.accepted, changed])
        fixed = apply_fixes(self.source, settled, unsafe=True, expect=True)
        all_found = [d for d in self.recheck(fixed.text) if not d.code.startswith(RECIPES)]
        found = [d for d in all_found if d.severity == "error"]
        warnings = sum(d.severity == "warning" for d in all_found)
        left = frozenset((d.rule, d.node) for d in found)
        after = Source(self.source.path, fixed.text, self.source.format)
        place = fixed.offset(_start(self.source, fault.span))
        others = {
            d.node
            for d in found
            if d.rule == fault.rule and d.span.path == after.path and _start(after, d.span) == place
        } - {fault.node}
        known = all((fault.rule, node) in self.hidden for node in others)
        edits = changed.fix.edits if changed.fix is not None else ()
        moved = bool(others) and not (known and not any(map(self.is_shared, edits)))
        return Outcome(left, warnings, (fault.rule, fault.node) in left, moved, tuple(all_found))

    def drawn(self, cure: Cure, outcome: Outcome) -> list[Diagnostic]:
        """What a cure leaves of its own making: errors that were not there, and warnings at nodes that it changes or
        puts in, but for `dead-branch`, which no change inside a node draws."""
        changed = cure.changed_nodes
        return [
            left
            for left in outcome.found
            if left.node is not None
            and (
                (left.rule, left.node) not in self.errors
                if left.severity == "error"
                else left.severity == "warning"
                and left.rule != DEAD_BRANCH
                and (left.node in changed or left.node not in self.known)
            )
        ]

    def only_reveals(self, left: frozenset[Error]) -> bool:
        """Whether all new errors concern nodes after the fault, of which nothing was known before."""
        return all(node is None or node not in self.known for _, node in left - self.errors)

    def is_shared(self, edit: Edit) -> bool:
        """Whether an edit stands in a node as written that several instances have."""
        return any(_holds(definition, edit.span) for definition in self.shared)


def _with_scopes(path: str) -> Iterator[str]:
    """A path, and those of the scopes that it lies in."""
    while path:
        yield path
        path = path.rpartition(".")[0]


def _start(source: Source, span: Span) -> int:
    return source.offset(span.line, span.column)


def _holds(definition: NodeDef, span: Span) -> bool:
    first: Tree = definition.key or definition.tree
    last = definition.tree
    start, end = (first.line, first.column), (last.end_line, last.end_column)
    return start <= (span.line, span.column) <= end
