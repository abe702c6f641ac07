"""`# specgraph: ignore[…]` silences warnings, never errors, and is reported when it silences nothing."""

from __future__ import annotations

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Severity
from specgraph.reporting.suppress import apply_suppressions
from specgraph.source.fixes import apply_fixes
from specgraph.source.tree import Source
from tests.diagnostics.making import span


def after(
    text: str, *found: tuple[str, int, Severity], report_unused: bool = True
) -> tuple[list[tuple[str, int]], Collector, Source]:
    source = Source("a.yaml", text)
    collector = Collector()
    for rule, line, severity in found:
        collector.report(rule, "x", span(line, 1), severity=severity)
    apply_suppressions(collector, {"a.yaml": source}, report_unused=report_unused)
    return [(d.rule, d.span.line) for d in collector.diagnostics], collector, source


def test_code_and_name_both_silence_on_their_line_only() -> None:
    text = "a: 1  # specgraph: ignore[SG104]\nb: 2  # specgraph: ignore[duplicate-key, sg109]\nc: 3\n"
    found = after(
        text,
        ("duplicate-key", 1, "warning"),
        ("duplicate-key", 2, "info"),
        ("merge-key", 2, "warning"),
        ("duplicate-key", 3, "warning"),
    )[0]
    assert found == [("duplicate-key", 3)]


def test_errors_are_never_silenced() -> None:
    found = after("a: 1  # specgraph: ignore[SG104]\n", ("duplicate-key", 1, "error"))[0]
    assert found == [("duplicate-key", 1)]


def test_unused_ones_are_reported_with_a_fix() -> None:
    text = "a: 1  # specgraph: ignore[SG900]\nb: 2  # why: specgraph: ignore\nc: 3 # specgraph: ignore[SG900] because\n"
    found, collector, source = after(text)
    assert found == [("unused-suppression", 1), ("unused-suppression", 3)]
    fixed = apply_fixes(source, collector.diagnostics)
    assert fixed.text.splitlines()[0] == "a: 1"
    assert fixed.text.splitlines()[1] == "b: 2  # why: specgraph: ignore"


def test_what_an_unused_one_is_told() -> None:
    text = "a: 1  # specgraph: ignore[SG104]\nb: 2  # specgraph: ignore[SG990]\nc: # specgraph: ignore[]\n"
    _, collector, _ = after(text)
    first, second, third = collector.diagnostics
    assert first.message == "SG104 is an error, which cannot be ignored"
    assert second.message.startswith("there is no rule `SG990`")
    assert third.message == "the comment names no rule to ignore"


def test_nothing_is_unused_while_rules_have_not_run() -> None:
    text = "a: 1  # specgraph: ignore[SG900]\nb: 1\n"
    assert after(text, ("duplicate-key", 2, "error"))[0] == [("duplicate-key", 2)]
    assert after(text, report_unused=False)[0] == []


def test_an_included_file_keeps_its_comments() -> None:
    collector = Collector()
    library = Source("b.yaml", "a: 1  # specgraph: ignore[SG900]\nc: 2  # specgraph: ignore[SG104]\n")
    collector.report("duplicate-key", "x", span(2, 1, path="b.yaml"), severity="warning")
    apply_suppressions(collector, {"a.yaml": Source("a.yaml", ""), "b.yaml": library})
    assert collector.diagnostics == []
