"""Comments that silence warnings: `# specgraph: ignore[SG901]` on the line of the warning."""

from __future__ import annotations

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Edit, Fix, Span
from specgraph.diagnostics.names import nearest
from specgraph.diagnostics.rule import rule, rule_modules
from specgraph.source.tree import Source, Suppression


def apply_suppressions(collector: Collector, sources: dict[str, Source], *, report_unused: bool = True) -> None:
    """Drop the warnings and infos that comments silence; report comments that silence nothing.

    Errors cannot be silenced. Unused comments are reported in the first source only (others are
    included, and what they silence may show elsewhere), and only if nothing else is wrong:
    with errors, not every rule has run. `report_unused` is false where no rule has run at all.
    """
    main = next(iter(sources), None)
    report_unused = report_unused and not collector.is_full  # what is missing may be what they silence
    for path, source in sources.items():
        if not source.suppressions:
            continue
        silenced: dict[int, set[str]] = {}
        for diagnostic in collector.diagnostics:
            found = source.suppressions.get(diagnostic.span.line)
            if found is None or diagnostic.span.path != path:
                continue
            wanted = {diagnostic.code, diagnostic.rule}
            for code, _ in found.codes:
                if _canonical(code) in wanted and diagnostic.severity != "error":
                    collector.discard(diagnostic)
                    silenced.setdefault(diagnostic.span.line, set()).add(code)
        if report_unused and path == main and not collector.has_errors:
            for line, suppression in source.suppressions.items():
                if collector.is_full:
                    break
                _report_unused(collector, suppression, silenced.get(line, set()), source)


def _canonical(code: str) -> str:
    return code.upper() if code.upper() in rule_modules() else code.lower()


def _report_unused(collector: Collector, suppression: Suppression, used: set[str], source: Source) -> None:
    unused = [(code, span) for code, span in suppression.codes if code not in used]
    for code, span in unused:
        fix = None
        if len(unused) == len(suppression.codes):
            help = None
            if span == unused[0][1]:
                fix = Fix("safe", (Edit(_comment_span(suppression, source), ""),))
        else:
            help = f"remove {code}"
        known = rule_modules()
        canonical = _canonical(code)
        if canonical not in known and canonical not in known.values():
            close = nearest(code, [*known.values()] if "-" in code else known)
            case = "no such rule"
            help, fix = (f"did you mean {close}?", None) if close else (help, fix)
        elif rule(canonical).severity == "error":
            case, code = "error", rule(canonical).code
        else:
            case = "nothing"
        collector.say("unused-suppression", case, {"code": code}, span, help=help, fix=fix)
    if not suppression.codes:
        collector.say("unused-suppression", "no rule", {}, suppression.span)


def _comment_span(suppression: Suppression, source: Source) -> Span:
    """The comment from the white space before it to the end of the line, where nothing else
    stands in it; just its own text otherwise."""
    span = suppression.span
    line = source.lines[span.line - 1]
    start = len(line[: span.column - 1].rstrip()) + 1
    if line[span.end_column - 1 :].strip():
        return span
    return span._replace(column=start, end_column=len(line) + 1)
