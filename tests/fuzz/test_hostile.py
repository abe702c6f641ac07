"""Texts built to exhaust or to trick the checker: each gets a diagnostic, or is understood; nothing raises.

`tools/fuzz_check --hostile` measures the time and memory of each as a process of its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from specgraph.checking import Report, check
from tests.fuzz.hostile import HEADER, Case, cases

LARGE = (
    "a file that is too large",
    "a long comment",
    "a hundred thousand",
    "expressions in one text",
    "fifty thousand blocks",
    "a variable of a million values",
    "a suppression of many codes",
    "many anchors",
    "blocks that double by a computed name",
    "thirty thousand",
    "twenty thousand",
    "tags",
    "nodes in the wrong order",
    "a circle of thirty",
    "defaults of everything",
    "a recipe with endless lists",
    "ten thousand",
    "names made of expressions",
    "nesting without end",
    "symbols that multiply",
    "a hundred names",
    "a long list",
)
"""How the names of those begin that take more than half a second each: only the tool measures them."""
CASES = [case for case in cases() if not case.name.startswith(LARGE)]


def answer(case: Case, folder: Path) -> tuple[set[str], list[Report]]:
    """The rules of all errors in a case's files, and the reports."""
    path = case.write(folder)
    paths = [path, *sorted(folder.glob("other*.yaml"))]
    reports = [check(path) for path in paths]
    return {d.rule for report in reports for d in report.diagnostics if d.severity == "error"}, reports


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_hostile_text_is_answered(case: Case, tmp_path: Path) -> None:
    found, reports = answer(case, tmp_path)
    assert found <= case.rules
    assert bool(found) == bool(case.rules)
    for report in reports:
        assert report.ok or report.graph is None
        num_lines = {path: len(source.lines) for path, source in report.sources.items()}
        for diagnostic in report.diagnostics:
            assert 1 <= diagnostic.span.line <= num_lines[diagnostic.span.path] + 1
            assert diagnostic.message


def test_a_wrong_answer_is_noticed(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "a huge repeat")
    found, _ = answer(case, tmp_path)
    assert not found <= case._replace(rules=frozenset({"cycle"})).rules


def test_names_of_cases_are_unique() -> None:
    names = [case.name for case in cases()]
    assert len(names) == len(set(names))
    assert len(names) >= 150


@pytest.mark.parametrize("limit", ["SPECGRAPH_MAX_DEPTH", "SPECGRAPH_MAX_NODES", "SPECGRAPH_MAX_ALIASED_VALUES"])
def test_limits_can_be_set(limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What passes by default is refused with a small limit, by the rule that names the limit."""
    blocks = "".join(f"  b{i}: {{nodes: [{{block: b{i + 1}}}]}}\n" for i in range(20))
    text = {
        "SPECGRAPH_MAX_DEPTH": f"blocks:\n{blocks}  b20: [relu]\nnodes: [{{block: b0}}]\n",
        "SPECGRAPH_MAX_NODES": "nodes: [{op: conv, out_channels: 4, kernel_size: 1, repeat: 30}]\n",
        "SPECGRAPH_MAX_ALIASED_VALUES": 'vars: {a: "$([1, 2] * 20)"}\nnodes: [global_avg_pool]\n',
    }[limit]
    path = tmp_path / "spec.yaml"
    path.write_text(HEADER + text)
    assert check(path).ok
    monkeypatch.setenv(limit, "10")
    (fault,) = [d for d in check(path).diagnostics if d.severity == "error"]
    assert fault.rule in ("too-deep", "graph-too-large", "too-large")
    assert limit in (fault.help or "")


def test_a_repeat_of_much_is_refused_after_few_instances(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(
        HEADER + "blocks: {b: {args: {n}, nodes: {x: {op: relu, repeat: $n}}}}\n"
        "nodes: {a: {block: b, n: 1000, repeat: 1000}}\n"
    )
    (fault,) = [d for d in check(path).diagnostics if d.severity == "error"]
    assert fault.message == "node `a` repeats 1,001 nodes 1,000 times; the limit is 150,000 nodes"


def test_a_name_that_no_instance_bears_is_unknown(tmp_path: Path) -> None:
    """A reference that a name template could yield, but does not, is no consequence of anything."""
    path = tmp_path / "spec.yaml"
    path.write_text(HEADER + "nodes:\n  block$index: {op: relu, repeat: 2}\n  c: {op: relu, from: block7}\n")
    (fault,) = [d for d in check(path).diagnostics if d.severity == "error"]
    assert (fault.rule, fault.span.line, fault.help) == ("unknown-reference", 5, "did you mean block0?")
