"""What a rule needs hides no finding: with every rule imported whatever it needs, all diagnostics are the same."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from specgraph.checking import check
from specgraph.diagnostics.model import Diagnostic
from specgraph.diagnostics.rule import rule, rules
from specgraph.lint import needs
from specgraph.lint.needs import OF_NETWORKS
from specgraph.lint.recipes import OF_RECIPES
from specgraph.lint.rule_needs import RULE_NEEDS
from tests.diagnostics.test_words_decide_nothing import corpus, report_of
from tests.helpers import SPECS

Table = dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]]


@cache
def texts() -> tuple[tuple[str, str], ...]:
    return (*corpus("examples"), *corpus("tests")[::3])


def found() -> list[list[Diagnostic]]:
    """The diagnostics of every text and spec under the table as it is now."""
    reports = [report_of(*text).diagnostics for text in texts()]
    return [*reports, *(check(path).diagnostics for path in sorted(Path(SPECS).rglob("*.yaml")))]


expected = cache(found)


def without(table: Table) -> Table:
    return {code: ((), tasks, libraries) for code, (_, tasks, libraries) in table.items()}


def test_needs_hide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = expected()
    monkeypatch.setattr(needs, "RULE_NEEDS", without(RULE_NEEDS))
    assert found() == before


@pytest.mark.parametrize(("code", "wrong"), [("SG911", "random drops"), ("SG522", "statistics")])
def test_a_wrong_need_is_noticed(code: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, tasks, libraries = RULE_NEEDS[code]
    monkeypatch.setattr(needs, "RULE_NEEDS", {**RULE_NEEDS, code: ((wrong,), tasks, libraries)})
    text = (rule(code).bad, "spec.yaml")
    assert code not in {diagnostic.code for diagnostic in report_of(*text).diagnostics}
    assert text[0] in {known[0] for known in texts()}


def test_every_need_has_a_test_and_a_rule() -> None:
    vocabularies: dict[str, dict[str, Any]] = {"SG9": OF_NETWORKS, "SG5": OF_RECIPES}
    for prefix, known in vocabularies.items():
        used = {need for each in rules() if each.code.startswith(prefix) for need in each.needs}
        assert used == set(known)
    assert not [each.code for each in rules() if each.needs and each.code[:3] not in vocabularies]
