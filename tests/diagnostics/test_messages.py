"""What rules say of faults stands in their files: every case is reached, and its facts fill it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from specgraph.diagnostics import collector
from specgraph.diagnostics.message import Message, words_of
from specgraph.diagnostics.rule import rule_file, rule_modules
from specgraph.kinds.invalid import Invalid
from specgraph.ops import fault as faults
from specgraph.ops.fault import Fault
from tests.diagnostics.rare import RARE, check_rare_files, read_rare_bytes
from tests.diagnostics.test_words_decide_nothing import corpus, report_of
from tests.helpers import check_text
from tests.ops.build import infer_node
from tests.ops.cases import CASES


def declared() -> set[tuple[str, str]]:
    """Every case of every rule that has `MESSAGES`."""
    return {(name, case) for name in rule_modules().values() for case in getattr(rule_file(name), "MESSAGES", {})}


def reached(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[tuple[str, str]]:
    """The cases that the corpus meets. Files are written in `folder`."""
    found: dict[tuple[str, str], None] = {}

    def recorded(rule: str, case: str, facts: dict[str, object]) -> object:
        found[rule, case] = None
        return words_of(rule, case, facts)

    for module in (faults, collector):
        monkeypatch.setattr(module, "words_of", recorded)
    for text, path in [*corpus("ops"), *corpus("examples"), *corpus("tests"), *((text, "rare.yaml") for text in RARE)]:
        report_of(text, path)
    read_rare_bytes()
    check_rare_files(folder)
    with monkeypatch.context() as limits:
        limits.setenv("SPECGRAPH_MAX_BYTES", "8")
        read_rare_bytes()
        limits.setenv("SPECGRAPH_MAX_VALUES", "8")
        check_text(RARE[1])
    for op, cases in CASES.items():
        for case in cases:
            of_files = case.shapes and all(isinstance(shape, tuple) for shape in case.shapes)
            if case.rejected not in (None, "invalid") and not of_files:
                with suppress(Invalid), pytest.raises(Fault) as caught:
                    infer_node(op, case.arguments, case.shapes)
                assert caught.value.words
    return iter(found)


def test_every_case_is_reached_and_filled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert declared() - set(reached(monkeypatch, tmp_path)) == set()


def test_a_missing_fact_is_noticed() -> None:
    with pytest.raises(KeyError):
        Message("{channels} channels")(groups=2)
    with pytest.raises(KeyError):
        assert Fault("indivisible-groups", case="no such case").words


def test_no_template_is_left_open() -> None:
    for text in RARE[1:]:
        said = [part for d in check_text(text).diagnostics for part in (d.message, *d.notes, d.help or "")]
        assert said
        assert [part for part in said if re.search(r"\{\w+\}", part)] == []


def test_a_fault_of_an_own_op_says_its_own_words() -> None:
    words = Fault("wrong-rank", "has {node} in it", notes=["{a}"], subject="node").words
    assert words.of_node("x.y") == "node `x.y` has {node} in it"
    assert Fault("wrong-rank", "needs a map").words.of_node("x") == "node `x`: needs a map"
    assert (words.of_it, words.notes) == ("it has {node} in it", ("{a}",))
    assert str(Fault("repeated-axis", case="axis", facts={"name": "dim", "axis": 1})) == "`dim` names axis 1 twice"
