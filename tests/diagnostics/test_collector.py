"""One list of diagnostics."""

from __future__ import annotations

import pytest

from specgraph.diagnostics.collector import MAX_DIAGNOSTICS, Collector
from tests.diagnostics.making import span


def test_order_is_that_of_the_file() -> None:
    collector = Collector()
    collector.report("duplicate-key", "later", span(3, 1))
    collector.report("merge-key", "first", span(1, 5))
    collector.report("duplicate-key", "second", span(1, 7))
    collector.report("duplicate-key", "before all", span(9, 9, path="A.yaml"))
    assert [d.message for d in collector.diagnostics] == ["before all", "first", "second", "later"]


def test_a_rule_speaks_once_at_a_place() -> None:
    collector = Collector()
    collector.report("duplicate-key", "one", span(1, 1))
    collector.report("duplicate-key", "other words", span(1, 1, 9))
    collector.report("merge-key", "another rule", span(1, 1))
    assert [d.message for d in collector.diagnostics] == ["one", "another rule"]


def test_severity_is_the_rule_s_unless_said() -> None:
    collector = Collector()
    collector.report("unused-suppression", "w", span(1, 1))
    assert not collector.has_errors
    collector.report("duplicate-key", "i", span(1, 1), severity="info")
    assert not collector.has_errors
    collector.report("duplicate-key", "e", span(2, 1))
    assert collector.has_errors
    assert [d.severity for d in collector.diagnostics] == ["info", "warning", "error"]
    collector.discard(collector.diagnostics[2])
    assert not collector.has_errors


def test_a_rule_that_does_not_exist() -> None:
    with pytest.raises(KeyError):
        Collector().report("no-such-rule", "x", span(1, 1))


def test_errors_are_kept_however_much_else_is_found() -> None:
    collector = Collector()
    for line in range(MAX_DIAGNOSTICS + 5):
        collector.report("unused-suppression", "w", span(line + 1, 1))
    assert not collector.has_errors
    for line in range(3):
        collector.report("duplicate-key", "e", span(line + 1, 1))
    assert collector.num_errors == 3
    assert len(collector.diagnostics) == MAX_DIAGNOSTICS
    assert [d.span.line for d in collector.diagnostics if d.severity == "error"] == [1, 2, 3]


def test_of_errors_the_first_are_kept() -> None:
    collector = Collector()
    for line in range(MAX_DIAGNOSTICS + 5):
        collector.report("duplicate-key", "e", span(line + 1, 1))
    collector.report("unused-suppression", "w", span(1, 1))
    assert collector.num_errors == len(collector.diagnostics) == MAX_DIAGNOSTICS
